import { type Expr, logSoftmax, mean, mul, neg, oneHot, sum } from "../ops/index.js";

/**
 * Mean cross entropy of integer labels: `mean_n -log softmax(f(x_n))[y_n]`.
 *
 * @param logits  float32 [N, K]
 * @param labels  int64 [N], each in [0, K)
 * @returns scalar float32 ≥ 0
 */
export function crossEntropy(logits: Expr, labels: Expr): Expr {
  const classes = logits.dims[1] as number;
  const likelihood = sum(mul(oneHot(labels, classes), logSoftmax(logits)), { axes: [1] });
  return neg(mean(likelihood));
}
