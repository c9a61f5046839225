import { logSumExp, mean, sub } from "../ops/index.js";
import { defineLoss } from "./types.js";

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
  expression: ({ outlierLogits }) =>
    mean(sub(logSumExp(outlierLogits, { axes: [1] }), mean(outlierLogits, { axes: [1] }))),
});
