import type { Expr } from "../ops/index.js";
import { checkPercentile, energyOf } from "./activations.js";
import { percentile } from "./fit/rows.js";
import { fittedTensor, lastLayerOf } from "./needed.js";
import { defineScore, type Head } from "./types.js";

/**
 * DICE: energy of the logits without the weights that contribute little,
 *
 *   s(x) = -log Σ_c exp((W ∘ M) z + b)_c,      M = [V > percentile of V],      V_cd = W_cd · mean z_d
 *
 * with the mean over all in-distribution images and the percentile over all K·D entries, interpolated linearly. Sun and
 * Li, "DICE: Leveraging Sparsification for Out-of-Distribution Detection", ECCV 2022. Higher means more
 * out-of-distribution; any real number.
 *
 * @param features    float [N, D]
 * @param sparseHead  whose weight is W ∘ M
 * @returns [N]
 */
export function dice(features: Expr, sparseHead: Head): Expr {
  return energyOf(features, sparseHead);
}

export const diceScore = defineScore({
  name: "dice",
  title: "DICE",
  source: "Sun and Li, ECCV 2022",
  uses: ["features", "head"],
  reads: ["mean"],
  defaults: { percentile: 70 },
  check: checkPercentile("dice"),
  fit: ({ head: { weight, classes, dimension }, mean }, options) => {
    const contributions = Float64Array.from(weight, (w, at) => w * (mean[at % dimension] as number));
    const threshold = percentile(contributions, options.percentile);
    const sparse = weight.map((w, at) => ((contributions[at] as number) > threshold ? w : 0));
    return { weight: { dtype: "float32", dims: [classes, dimension], data: sparse } };
  },
  expression: (inputs, _, fitted) => {
    const { features, head } = lastLayerOf(inputs, "dice");
    return dice(features, { ...head, weight: fittedTensor(fitted, "weight", "dice").data });
  },
});
