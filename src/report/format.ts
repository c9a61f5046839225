/** Numbers as readers see them. */

const minus = "\u2212";

/** A fraction as a percentage with two decimals and no unit, `0.9321` as `93.21`; a dash when it is not a number. */
export function percentage(fraction: number): string {
  return Number.isFinite(fraction) ? (fraction * 100).toFixed(2) : "–";
}

/** Percentage points with a sign, `0.0508` as `+5.08`; what rounds to nothing has no sign but ±. */
export function signedPoints(fraction: number): string {
  if (!Number.isFinite(fraction)) return "–";
  const digits = Math.abs(fraction * 100).toFixed(2);
  if (digits === "0.00") return `±${digits}`;
  return `${fraction < 0 ? minus : "+"}${digits}`;
}

/** A whole number with a separator every three digits, `20000` as `20,000`. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * The label of an axis tick, with as many decimals as the distance to the next tick needs: `0.25` for step 0.05, `12,000`
 * for step 1000, `2e−7` where plain digits would be long.
 */
export function tickLabel(value: number, step: number): string {
  const size = Math.abs(value);
  if (value === 0) return "0";
  const sign = value < 0 ? minus : "";
  if (step < 1e-5 || size >= 1e7) {
    return sign + Number(size.toPrecision(6)).toExponential().replace("e+", "e").replace("e-", `e${minus}`);
  }
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const [whole = "", fraction] = size.toFixed(decimals).split(".");
  return sign + count(Number(whole)) + (fraction === undefined ? "" : `.${fraction}`);
}
