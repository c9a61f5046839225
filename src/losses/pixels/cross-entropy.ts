import type { Expr } from "../../ops/index.js";
import { crossEntropy } from "../cross-entropy.js";
import { weightedMean } from "./masks.js";
import { definePixelLoss, type PixelLossInputs } from "./types.js";

/** Mean cross entropy of the pixels that belong to a class: the first term of most losses here. Scalar. */
export function pixelCrossEntropy({
  logits,
  labels,
  inlier,
}: Pick<PixelLossInputs, "logits" | "labels" | "inlier">): Expr {
  return weightedMean(crossEntropy(logits, labels, { reduce: false }), inlier);
}

/** Cross entropy alone: what plain fine-tuning on the same images does, the control of every comparison. Outlier pixels are not used. */
export const pixelCrossEntropyLoss = definePixelLoss({
  name: "ce",
  title: "Cross entropy",
  source: "the control",
  defaults: {},
  score: "energy",
  hasMargins: false,
  usesPrior: false,
  needsOutliers: () => false,
  expression: (inputs) => pixelCrossEntropy(inputs),
});
