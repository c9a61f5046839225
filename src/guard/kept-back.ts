import { DataError, OptionError } from "../errors.js";
import { fewestScores } from "../metrics/conformal.js";

/** Below, more images would be needed than there are. */
export const leastAlpha = 1e-9;

/**
 * How many of the in-distribution images of a calibration measure the rate, the rest of them making the threshold.
 *
 * @param fresh  share that measures, in [0, 1)
 * @param rate   what alpha is of, for the error
 * @throws OptionError for a share or an alpha out of range
 * @throws DataError when too few images are left for the threshold: it says how many are needed with those that measure
 */
export function keptBack(images: number, alpha: number, fresh: number, rate: string): number {
  if (!(fresh >= 0 && fresh < 1)) {
    throw new OptionError({
      where: "calibration",
      expected: "a share in [0, 1) to keep back",
      received: String(fresh),
    });
  }
  if (!(alpha >= leastAlpha && alpha < 1)) {
    throw new OptionError({
      where: "calibration",
      expected: `a ${rate} in [${leastAlpha}, 1)`,
      received: String(alpha),
    });
  }
  const keptOf = (count: number) => Math.round(fresh * count);
  const fewest = fewestScores(alpha);
  // Rounding moves the number by a few at most.
  let needed = Math.max(fewest, Math.floor(fewest / (1 - fresh)) - 2);
  while (needed - keptOf(needed) < fewest) needed++;
  if (images < needed) {
    const share = keptOf(needed) === 0 ? "" : `, of which ${keptOf(needed)} are kept back to measure it`;
    throw new DataError({
      where: "calibration images",
      expected: `at least ${needed} for a ${rate} of ${alpha}${share}`,
      received: String(images),
      hint: "give more held-out in-distribution images, or allow a higher rate",
    });
  }
  return keptOf(images);
}
