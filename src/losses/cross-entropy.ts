import { type Expr, logSoftmax, mean, mul, neg, oneHot, sum } from "../ops/index.js";

/**
 * Cross entropy of integer labels: `-log softmax(f(x_n))[y_n]`, its mean over n unless `reduce` is false.
 *
 * @param logits  float32 [N, K] or [N, K, H, W]
 * @param labels  int64 [N] or [N, H, W], each in [0, K); a label outside costs 0
 * @returns scalar float32 ≥ 0, or [N] or [N, H, W]
 */
export function crossEntropy(logits: Expr, labels: Expr, { reduce = true } = {}): Expr {
  const likelihood = ofClass(logSoftmax(logits), labels);
  return neg(reduce ? mean(likelihood) : likelihood);
}

/**
 * The value of the class that the label names.
 *
 * @param values  float32 [N, K] or [N, K, H, W]
 * @param labels  integers or float32, [N] or [N, H, W]; 0 is returned for one outside [0, K)
 * @returns [N] or [N, H, W]
 */
export function ofClass(values: Expr, labels: Expr): Expr {
  return sum(mul(oneHot(labels, values.dims[1] as number), values), { axes: [1] });
}
