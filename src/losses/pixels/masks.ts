import { div, type Expr, greater, mul, reduceMax, sum, where } from "../../ops/index.js";

/**
 * `Σ w·x / Σ w`, and 0 where all weights are 0. With a mask as weights it is the mean over the pixels of the mask. Counts are exact up to 2^24
 * pixels, as float32 is.
 *
 * @param values   float32 [N, H, W]
 * @param weights  float32 [N, H, W] ≥ 0
 * @returns scalar
 */
export function weightedMean(values: Expr, weights: Expr): Expr {
  const total = sum(weights);
  return div(sum(mul(values, weights)), where(greater(total, 0), total, 1));
}

/** 1 for images with a pixel in the mask and 0 for others: float32 [N, H, W] to [N, 1, 1]. */
export function imagesWith(mask: Expr): Expr {
  return reduceMax(mask, { axes: [1, 2], keep: true });
}
