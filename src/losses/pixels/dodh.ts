import { add, mul } from "../../ops/index.js";
import { notNegative } from "../ranges.js";
import { pixelCrossEntropy } from "./cross-entropy.js";
import { outlierHeadCost } from "./outlier-head.js";
import { definePixelLoss } from "./types.js";

export interface OutlierHeadOptions {
  /** Of the outlier head relative to the classes. */
  readonly weight: number;
}

/**
 * Discriminative outlier detection head: a second head learns to tell outlier pixels from inlier pixels,
 *
 *   mean_in CE + weight · mean CE(head)
 *
 * Bevandić, Krešo, Oršić and Šegvić, "Simultaneous Semantic Segmentation and Outlier Detection in Presence of Domain Shift", GCPR 2019. Their code weighs
 * 0.6 : 0.4 between each head and copies of it at lower resolutions, which help to train from scratch and are left out here; 0.2 between the heads is theirs.
 */
export const outlierHeadLoss = definePixelLoss<OutlierHeadOptions>({
  name: "dodh",
  title: "Discriminative outlier detection head",
  source: "Bevandić, Krešo, Oršić and Šegvić, GCPR 2019",
  defaults: { weight: 0.2 },
  ranges: { weight: notNegative },
  score: "outlier-head",
  hasMargins: false,
  usesPrior: false,
  outlierHead: true,
  expression: (inputs, { weight }) => add(pixelCrossEntropy(inputs), mul(weight, outlierHeadCost(inputs, "dodh"))),
});
