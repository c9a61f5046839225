import { add, cast, greater, mean, where } from "../../ops/index.js";
import { crossEntropy } from "../cross-entropy.js";
import { weightedMean } from "./masks.js";
import { definePixelLoss } from "./types.js";

export interface VoidClassifierOptions {
  /** Whether void pixels are taken for outliers. */
  readonly useVoid: boolean;
}

/**
 * Void classifier: one more class for whatever is no class,
 *
 *   mean -log p_t,      t = y for inlier pixels, and K + 1 for outlier pixels and, with `useVoid`, void pixels
 *
 * over all pixels that have a target. Blum, Sarlin, Nieto, Siegwart and Cadena, "The Fishyscapes Benchmark", IJCV 2021, train it on the void pixels of
 * Cityscapes. Where what is to be found is void in training, as with held-out classes, `useVoid` shows the network the answer; and padding is void, too.
 */
export const voidClassifierLoss = definePixelLoss<VoidClassifierOptions>({
  name: "void-classifier",
  title: "Void classifier",
  source: "Blum et al., IJCV 2021",
  defaults: { useVoid: true },
  score: "abstention",
  hasMargins: false,
  usesPrior: false,
  needsOutliers: ({ useVoid }) => !useVoid,
  abstentionClasses: 1,
  expression({ logits, classes, labels, inlier, outlier }, { useVoid }) {
    const target = where(greater(inlier, 0), cast(labels, "float32"), classes);
    const cost = crossEntropy(logits, target, { reduce: false });
    return useVoid ? mean(cost) : weightedMean(cost, add(inlier, outlier));
  },
});
