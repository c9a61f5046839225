import type { Ranking } from "../ranking.js";

/** A threshold: pixels with at least that score are called outliers. */
export interface BestF1 {
  readonly threshold: number;
  /** In (0, 1]. */
  readonly f1: number;
}

/**
 * The threshold at which the F1 of single pixels, 2·TP / (2·TP + FP + FN), is largest; the highest of equals. The SegmentMeIfYouCan benchmark
 * (Chan et al., NeurIPS 2021 datasets track) cuts anomaly maps there before it counts components. It looks at the labels of the test images, so
 * the component metrics at this threshold are those of the best one could have chosen.
 */
export function bestF1({ thresholds, idCounts, oodCounts, oodTotal }: Ranking): BestF1 {
  let called = 0;
  let found = 0;
  let best: BestF1 = { threshold: Number.NaN, f1: -1 };
  for (let index = 0; index < thresholds.length; index++) {
    called += (idCounts[index] as number) + (oodCounts[index] as number);
    found += oodCounts[index] as number;
    const f1 = (2 * found) / (called + oodTotal);
    if (f1 > best.f1) best = { threshold: thresholds[index] as number, f1 };
  }
  return best;
}
