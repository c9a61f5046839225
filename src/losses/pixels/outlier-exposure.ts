import { add, mul } from "../../ops/index.js";
import { uniformCrossEntropy } from "../outlier-exposure.js";
import { notNegative } from "../ranges.js";
import { pixelCrossEntropy } from "./cross-entropy.js";
import { weightedMean } from "./masks.js";
import { definePixelLoss } from "./types.js";

export interface PixelOutlierExposureOptions {
  /** Of the outlier pixels relative to the inlier pixels. */
  readonly weight: number;
}

/**
 * Outlier exposure for segmentation: predictions on outlier pixels are drawn to the uniform distribution,
 *
 *   mean_in CE + weight · mean_out [ logsumexp(f) - mean_c f_c ]
 *
 * Hendrycks, Mazeika and Dietterich, ICLR 2019; weight 0.5 as there, for images.
 */
export const pixelOutlierExposureLoss = definePixelLoss<PixelOutlierExposureOptions>({
  name: "oe",
  title: "Outlier exposure",
  source: "Hendrycks, Mazeika and Dietterich, ICLR 2019",
  defaults: { weight: 0.5 },
  ranges: { weight: notNegative },
  score: "msp",
  hasMargins: false,
  usesPrior: false,
  expression: (inputs, { weight }) =>
    add(pixelCrossEntropy(inputs), mul(weight, weightedMean(uniformCrossEntropy(inputs.logits), inputs.outlier))),
});
