import { type Expr, logSumExp, mean, sub } from "../ops/index.js";
import { defineLoss } from "./types.js";

/**
 * Cross entropy between the uniform distribution and the prediction, `logsumexp(f) - mean_c f_c`.
 *
 * @param logits  float32 [M, K] or [M, K, H, W]
 * @returns [M] or [M, H, W]; at least log K
 */
export function uniformCrossEntropy(logits: Expr): Expr {
  return sub(logSumExp(logits, { axes: [1] }), mean(logits, { axes: [1] }));
}

/**
 * Outlier exposure: the cross entropy between the uniform distribution and the prediction on outliers,
 *
 *   mean_out [ logsumexp(f) - mean_c f_c ]
 *
 * Hendrycks, Mazeika and Dietterich, "Deep Anomaly Detection with Outlier Exposure", ICLR 2019; weight 0.5 as there.
 */
export const outlierExposure = defineLoss({
  name: "oe",
  title: "Outlier exposure",
  source: "Hendrycks, Mazeika and Dietterich, ICLR 2019",
  weight: 0.5,
  defaults: {},
  score: "msp",
  hasMargins: false,
  usesPrior: false,
  expression: ({ outlierLogits }) => mean(uniformCrossEntropy(outlierLogits)),
});
