import { add, type Expr, greater, mul, sum, where } from "../../ops/index.js";
import { inHinge, type Margins, outHinge } from "../energy.js";
import { notNegative } from "../ranges.js";
import { pixelCrossEntropy } from "./cross-entropy.js";
import { weightedMean } from "./masks.js";
import { definePixelLoss, type PixelLossInputs } from "./types.js";

export interface PixelEnergyOptions extends Margins {
  /** Of the energy terms relative to the cross entropy. */
  readonly weight: number;
}

/** Settings of PEBAL, and of Balanced Energy after it, for Cityscapes; energies of another network lie elsewhere. */
export const cityscapesMargins: Margins = { mIn: -12, mOut: -6 };

/**
 * The two hinges put together as in PEBAL's code: half their sum where the batch has outlier pixels, and the inlier hinge alone, whole, where it has none.
 *
 * @param outlier  mask, float32 [N, H, W]
 */
export function joinHinges(inTerm: Expr, outTerm: Expr, outlier: Expr): Expr {
  return mul(where(greater(sum(outlier), 0), 0.5, 1), add(inTerm, outTerm));
}

/**
 * EnergyOE for pixels,
 *
 *   ½ ( mean_in relu(E - mIn)² + mean_out relu(mOut - E)² ),      and mean_in relu(E - mIn)² for a batch without outlier pixels
 *
 * @param logits  of the classes alone, float32 [N, K, H, W]
 * @returns scalar
 */
export function pixelEnergy(
  { logits, inlier, outlier }: Pick<PixelLossInputs, "logits" | "inlier" | "outlier">,
  { mIn, mOut }: Margins,
): Expr {
  const outTerm = weightedMean(outHinge(logits, mOut), outlier);
  return joinHinges(weightedMean(inHinge(logits, mIn), inlier), outTerm, outlier);
}

/**
 * EnergyOE for segmentation: cross entropy of the inlier pixels + weight · {@link pixelEnergy}.
 *
 * Liu, Wang, Owens and Li, NeurIPS 2020, on pixels as in the code of Tian et al. (PEBAL), ECCV 2022, and of Choi, Jeong and Choi, CVPR 2023. How
 * they add it to the cross entropy is not published; weight 0.1 is that of PEBAL's energy.
 */
export const pixelEnergyLoss = definePixelLoss<PixelEnergyOptions>({
  name: "energy",
  title: "Energy (EnergyOE)",
  source: "Liu, Wang, Owens and Li, NeurIPS 2020; Tian et al., ECCV 2022",
  defaults: { ...cityscapesMargins, weight: 0.1 },
  ranges: { weight: notNegative },
  score: "energy",
  hasMargins: true,
  usesPrior: false,
  expression: (inputs, options) => add(pixelCrossEntropy(inputs), mul(options.weight, pixelEnergy(inputs, options))),
});
