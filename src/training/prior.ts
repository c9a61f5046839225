/** Step 1 of the method: how the untouched model spreads outliers over its classes. */
import { argmax } from "../metrics/index.js";

export interface Prior {
  /** Outliers that the model puts into each class. */
  readonly counts: readonly number[];
  /** `N_i / Σ N`, sums to 1. */
  readonly prior: readonly number[];
  readonly outliers: number;
  /** Share of each class relative to an even spread: 1 is even, 2 twice as much. */
  readonly imbalance: readonly number[];
  /** Largest share over smallest; null when a class gets none. */
  readonly imbalanceRatio: number | null;
  /** `exp(entropy)` of the prior: the number of classes an even spread of the same uncertainty would have. */
  readonly effectiveClasses: number;
  readonly classNames?: readonly string[];
}

/**
 * The prior of the outliers. Choi, Jeong and Choi, CVPR 2023, algorithm 1, step 1.
 *
 * @param logits  outlier logits of the untouched model, [M, K]
 */
export function priorFromLogits(logits: Float32Array, classes: number, classNames?: readonly string[]): Prior {
  const counts = new Array<number>(classes).fill(0);
  for (const prediction of argmax(logits, classes)) counts[prediction] = (counts[prediction] ?? 0) + 1;
  return describePrior(counts, classNames);
}

export function describePrior(counts: readonly number[], classNames?: readonly string[]): Prior {
  const outliers = counts.reduce((sum, count) => sum + count, 0);
  const prior = counts.map((count) => count / outliers);
  const entropy = prior.reduce((sum, share) => (share === 0 ? sum : sum - share * Math.log(share)), 0);
  const least = Math.min(...counts);
  return {
    counts,
    prior,
    outliers,
    imbalance: prior.map((share) => share * counts.length),
    imbalanceRatio: least === 0 ? null : Math.max(...counts) / least,
    effectiveClasses: Math.exp(entropy),
    ...(classNames === undefined ? {} : { classNames }),
  };
}
