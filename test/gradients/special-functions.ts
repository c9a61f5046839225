/** 2/√π ∫₀ˣ exp(-t²) dt by a series whose terms all have one sign, so that nothing cancels; for |x| < 6. */
export function erf(x: number): number {
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(total); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}
