import { type Expr, neg, sigmoid, slice, softplus, squeeze, sub } from "../../ops/index.js";
import { energy } from "../energy.js";

/** Logit of the outlier minus that of the inlier: the log odds. */
export function outlierMargin(outlierLogits: Expr): Expr {
  const at = (index: number) => slice(outlierLogits, { axes: [1], starts: [index], ends: [index + 1] });
  return squeeze(sub(at(1), at(0)), [1]);
}

/**
 * Probability that a head of its own gives to "outlier". Higher means more out-of-distribution; in [0, 1].
 *
 * Bevandić, Krešo, Oršić and Šegvić, GCPR 2019.
 *
 * @param outlierLogits  inlier, then outlier, float [N, 2, H, W]
 * @returns [N, H, W]
 */
export const outlierProbability = (outlierLogits: Expr): Expr => sigmoid(outlierMargin(outlierLogits));

/**
 * DenseHybrid: what the outlier head says, over the density that the classes' logits stand for,
 *
 *   s(x) = log p(outlier | x) - logsumexp(f(x))
 *
 * Grcić, Bevandić and Šegvić, "DenseHybrid: Hybrid Anomaly Detection for Dense Open-set Recognition", ECCV 2022. Higher means more out-of-distribution; unbounded.
 *
 * @param logits         float [N, K, H, W]
 * @param outlierLogits  inlier, then outlier, float [N, 2, H, W]
 * @returns [N, H, W]
 */
export function denseHybrid(logits: Expr, outlierLogits: Expr): Expr {
  return sub(energy(logits), softplus(neg(outlierMargin(outlierLogits))));
}
