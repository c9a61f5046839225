import { add, mul, neg } from "../../ops/index.js";
import { energy } from "../../scores/index.js";
import { notNegative } from "../ranges.js";
import { pixelCrossEntropy } from "./cross-entropy.js";
import { weightedMean } from "./masks.js";
import { outlierHeadCost } from "./outlier-head.js";
import { definePixelLoss } from "./types.js";

export interface DenseHybridOptions {
  /** β, of the log density of outlier pixels relative to the cross entropy of the classes. */
  readonly weight: number;
  /** Of the outlier head relative to the cross entropy of the classes. */
  readonly headWeight: number;
}

/**
 * DenseHybrid: the classes' logits double as an unnormalised log density, logsumexp(f), that is pushed down on outlier pixels, and a second
 * head tells them apart,
 *
 *   mean_in CE + β · mean_out logsumexp(f) + 10β · mean CE(head)
 *
 * Grcić, Bevandić and Šegvić, "DenseHybrid: Hybrid Anomaly Detection for Dense Open-set Recognition", ECCV 2022; β = 0.03 by the authors' code,
 * whose further constant has no gradient and is left out. There void pixels count as inliers for the head; here they do not count.
 */
export const denseHybridLoss = definePixelLoss<DenseHybridOptions>({
  name: "dense-hybrid",
  title: "DenseHybrid",
  source: "Grcić, Bevandić and Šegvić, ECCV 2022",
  defaults: { weight: 0.03, headWeight: 0.3 },
  ranges: { weight: notNegative, headWeight: notNegative },
  score: "dense-hybrid",
  hasMargins: false,
  usesPrior: false,
  outlierHead: true,
  expression(inputs, { weight, headWeight }) {
    const density = weightedMean(neg(energy(inputs.logits)), inputs.outlier);
    const regularizer = add(mul(weight, density), mul(headWeight, outlierHeadCost(inputs, "dense-hybrid")));
    return add(pixelCrossEntropy(inputs), regularizer);
  },
});
