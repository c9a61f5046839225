import { elementCount } from "../../onnx/types.js";
import { add, mul, sum } from "../../ops/index.js";
import { crossEntropy } from "../cross-entropy.js";
import { uniformCrossEntropy } from "../outlier-exposure.js";
import { shareOrNone } from "../ranges.js";
import { definePixelLoss } from "./types.js";

export interface MetaOodOptions {
  /** λ, the share of the outlier pixels, in [0, 1]. */
  readonly outlierShare: number;
}

/**
 * Entropy maximisation on outlier pixels,
 *
 *   [ (1 - λ) Σ_in -log p_y  +  λ Σ_out mean_c -log p_c ] / (N·K·H·W)
 *
 * Chan, Rottmann and Gottschalk, "Entropy Maximization and Meta Classification for Out-of-Distribution Detection in
 * Semantic Segmentation", ICCV 2021. Divided by all entries of the logits, void pixels included, as in the authors' code: K times and more smaller than a mean
 * over pixels, which matters to SGD, and to Adam hardly.
 */
export const metaOodLoss = definePixelLoss<MetaOodOptions>({
  name: "meta-ood",
  title: "Entropy maximisation (Meta-OOD)",
  source: "Chan, Rottmann and Gottschalk, ICCV 2021",
  defaults: { outlierShare: 0.9 },
  ranges: { outlierShare: shareOrNone },
  score: "entropy",
  hasMargins: false,
  usesPrior: false,
  expression({ logits, labels, inlier, outlier }, { outlierShare }) {
    const known = sum(mul(crossEntropy(logits, labels, { reduce: false }), inlier));
    const unknown = sum(mul(uniformCrossEntropy(logits), outlier));
    const entries = elementCount(logits.dims as number[]);
    return add(mul((1 - outlierShare) / entries, known), mul(outlierShare / entries, unknown));
  },
});
