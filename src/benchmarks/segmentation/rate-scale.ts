import type { Ranking } from "../../metrics/index.js";

/** A scale that all scores share: how rare a score is among in-distribution pixels. */
export interface RateScale {
  /** Ascending scores, one for each step of the scale from the second on. */
  readonly scores: Float32Array;
}

/** Steps of the scale, so many that a picture of 256 colours shows them all. */
export const scaleSteps = 256;
/** Share of in-distribution pixels at or above the score at the upper end. */
export const rarest = 0.001;

/**
 * Cuts scores into {@link scaleSteps} steps by the share of in-distribution pixels of the set that score at least as high: from 100 % at step 0 to
 * 0.1 % and less at the last step, equal steps of the logarithm. Maps of scores with different units can be compared so: what has one
 * colour costs equally many false alarms.
 */
export function rateScale({ thresholds, idCounts, idTotal }: Ranking): RateScale {
  const scores = new Float32Array(scaleSteps - 1);
  let above = 0;
  let index = 0;
  // From the rarest step down; a score belongs to a step if at most that share scores at least as high.
  for (let step = scaleSteps - 1; step >= 1; step--) {
    const share = rarest ** (step / (scaleSteps - 1));
    while (index < thresholds.length && above + (idCounts[index] as number) <= share * idTotal)
      above += idCounts[index++] as number;
    // Nothing is that rare: a score above all others.
    scores[step - 1] = index === 0 ? Number.POSITIVE_INFINITY : (thresholds[index - 1] as number);
  }
  return { scores };
}

/** Step of each score on the scale, uint8. */
export function stepsOf(map: Float32Array, { scores }: RateScale): Uint8Array {
  return Uint8Array.from(map, (value) => {
    let [low, high] = [0, scores.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value >= (scores[middle] as number)) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}
