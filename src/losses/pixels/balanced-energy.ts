import { add, type Expr, mul } from "../../ops/index.js";
import { priorWeight } from "../balanced-energy.js";
import { inHinge, type Margins, outHinge } from "../energy.js";
import { notNegative, type Ranges } from "../ranges.js";
import { pixelCrossEntropy } from "./cross-entropy.js";
import { cityscapesMargins, joinHinges, type PixelEnergyOptions } from "./energy.js";
import { weightedMean } from "./masks.js";
import { definePixelLoss, type PixelLossInputs } from "./types.js";

export interface Balance {
  /** How much a dominating class raises the outlier margin, in units of energy per unit of Z; 0 leaves the margin alone. */
  readonly alpha: number;
  /** Exponent on the prior, in the margin and in the weights; 0 makes it uniform, 1 takes it as measured. */
  readonly gamma: number;
}

/** Of the paper, for Cityscapes with outliers from COCO. */
export const cityscapesBalance: Balance = { alpha: 5, gamma: 3 };

export const balanceRanges: Ranges<Balance> = { alpha: notNegative, gamma: notNegative };

/**
 * Balanced energy of pixels, Z = Σ_j softmax(f)_j P_γ(j):
 *
 *   ½ ( mean_in relu(E - mIn)² + Σ_out Z·relu(mOut + αZ - E)² / Σ_out Z ),      and mean_in relu(E - mIn)² for a batch without outlier pixels
 *
 * The gradient flows through Z everywhere, as in the authors' code. γ = 0 makes Z equal for all pixels: it then cancels from the quotient.
 *
 * @param logits  of the classes alone, float32 [N, K, H, W]
 * @returns scalar, and the energy α·Z by which the margin of each pixel is raised, [N, H, W]
 */
export function balancedPixelEnergy(
  { logits, inlier, outlier, prior }: Pick<PixelLossInputs, "logits" | "inlier" | "outlier" | "prior">,
  { mIn, mOut, alpha, gamma }: Margins & Balance,
): { cost: Expr; shift: Expr } {
  const z = priorWeight(logits, prior, gamma);
  const shift = mul(alpha, z);
  const weights = gamma === 0 ? outlier : mul(outlier, z);
  const outTerm = weightedMean(outHinge(logits, add(mOut, shift)), weights);
  return { cost: joinHinges(weightedMean(inHinge(logits, mIn), inlier), outTerm, outlier), shift };
}

/**
 * Balanced EnergyOE for segmentation: cross entropy of the inlier pixels + weight · {@link balancedPixelEnergy}. With α = γ = 0 it is the loss `energy`.
 *
 * Choi, Jeong and Choi, "Balanced Energy Regularization Loss for OOD Detection", CVPR 2023. How it is added to the cross
 * entropy is not published; weight 0.1 is that of PEBAL's energy.
 */
export const balancedPixelEnergyLoss = definePixelLoss<PixelEnergyOptions & Balance>({
  name: "balanced-energy",
  title: "Balanced energy",
  source: "Choi, Jeong and Choi, CVPR 2023",
  defaults: { ...cityscapesMargins, ...cityscapesBalance, weight: 0.1 },
  ranges: { ...balanceRanges, weight: notNegative },
  score: "energy",
  hasMargins: true,
  usesPrior: true,
  expression: (inputs, options) =>
    add(pixelCrossEntropy(inputs), mul(options.weight, balancedPixelEnergy(inputs, options).cost)),
});
