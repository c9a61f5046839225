import { abs, add, div, type Expr, matMul, mean, mul, pow, reshape, softmax, sum } from "../ops/index.js";
import { inHinge, type Margins, outHinge } from "./energy.js";
import { stopGradient } from "./stop-gradient.js";
import { defineLoss } from "./types.js";

export interface BalancedEnergyOptions extends Margins {
  /** How much a dominating class raises the outlier margin, in units of energy per unit of Z; 0 leaves the margin alone. */
  readonly alpha: number;
  /** Exponent on the prior inside the margin; 0 makes it uniform, 1 takes it as measured. */
  readonly gamma: number;
  /** Exponent on the prior inside the weights; the same as `gamma` in every experiment of the paper. */
  readonly gammaWeight: number;
  /** `sum`: weights divided by their sum over the batch (the authors' code); `mean`: by the batch size (the paper's text). */
  readonly normalization: "sum" | "mean";
  /** Treat Z as a constant; the authors let the gradient flow through it. */
  readonly detachZ: boolean;
}

/** `P_γ`: the prior raised to a power and made to sum to one, [K]. A class that no outlier fell into keeps 0 for γ > 0. */
export function temperedPrior(prior: Expr, gamma: number): Expr {
  const raised = pow(prior, gamma);
  return div(raised, sum(abs(raised)));
}

/**
 * `Z_γ(x) = Σ_j softmax(f(x))_j P_γ(j)`, how much x looks like a majority class among the outliers; in [min P_γ, max P_γ].
 *
 * @param outlierLogits  float32 [M, K] or [M, K, H, W]
 * @param prior          float32 [K]
 * @returns [M] or [M, H, W]
 */
export function priorWeight(outlierLogits: Expr, prior: Expr, gamma: number): Expr {
  const [count, classes, ...size] = outlierLogits.dims as [number, number, ...number[]];
  const tempered = temperedPrior(prior, gamma);
  const share = softmax(outlierLogits);
  if (size.length === 0) return reshape(matMul(share, reshape(tempered, [classes, 1])), [count]);
  const pixels = size.reduce((product, length) => product * length, 1);
  const weight = matMul(reshape(tempered, [1, classes]), reshape(share, [count, classes, pixels]));
  return reshape(weight, [count, ...size]);
}

/**
 * Balanced energy regularization: pushes the energy of outliers up to a margin that grows with how much their predicted
 * class dominates the outlier set, and weighs them by the same measure.
 *
 *   mean_in relu(E - mIn)²  +  Σ_out Z·relu(mOut + αZ - E)² / Σ_out Z,      Z = Σ_j softmax(f)_j P_γ(j)
 *
 * Choi, Jeong and Choi, "Balanced Energy Regularization Loss for OOD Detection", CVPR 2023; the sign of the outlier hinge
 * and the division by ΣZ follow the authors' code. With α = γ = 0 it is {@link energyLoss}.
 */
export const balancedEnergy = defineLoss<BalancedEnergyOptions>({
  name: "balanced-energy",
  title: "Balanced energy",
  source: "Choi, Jeong and Choi, CVPR 2023",
  weight: 0.1,
  defaults: { mIn: -23, mOut: -5, alpha: 10, gamma: 0.75, gammaWeight: 0.75, normalization: "sum", detachZ: false },
  score: "energy",
  hasMargins: true,
  usesPrior: true,
  expression({ logits, outlierLogits, prior }, p) {
    const z = (gamma: number) => {
      const value = priorWeight(outlierLogits, prior, gamma);
      return p.detachZ ? stopGradient(value) : value;
    };
    const margin = add(p.mOut, mul(p.alpha, z(p.gamma)));
    const weight = z(p.gammaWeight);
    const weighted = mul(weight, outHinge(outlierLogits, margin));
    const outlierTerm = p.normalization === "sum" ? div(sum(weighted), sum(weight)) : mean(weighted);
    return add(mean(inHinge(logits, p.mIn)), outlierTerm);
  },
});
