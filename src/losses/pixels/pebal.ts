import { int } from "../../onnx/types.js";
import {
  add,
  type Expr,
  exp,
  first,
  log,
  logSoftmax,
  maximum,
  mul,
  slice,
  square,
  squeeze,
  sub,
  sum,
  unsqueeze,
} from "../../ops/index.js";
import { energy, gaussianBlur } from "../../scores/index.js";
import type { Margins } from "../energy.js";
import { notNegative, type Ranges } from "../ranges.js";
import { type Balance, balancedPixelEnergy, balanceRanges, cityscapesBalance } from "./balanced-energy.js";
import { cityscapesMargins, pixelEnergy } from "./energy.js";
import { gamblerCost, keptShare } from "./gambler.js";
import { imagesWith, weightedMean } from "./masks.js";
import { definePixelLoss, type PixelLossInputs } from "./types.js";

export interface PebalOptions extends Margins {
  /** Of the energy, the sparsity and the smoothness relative to the gambler's loss. */
  readonly weight: number;
  /** Of the gambler's gain from abstaining on outlier pixels relative to inlier pixels. */
  readonly outlierWeight: number;
  /** Of the Euclidean norm of the energies of all outlier pixels. */
  readonly sparsity: number;
  /** Of the squared differences of energies between neighbours. A sum, not a mean: it grows with the size of the batch and its images. */
  readonly smoothness: number;
}

const pebalDefaults: PebalOptions = {
  ...cityscapesMargins,
  weight: 0.1,
  outlierWeight: 0.1,
  sparsity: 5e-4,
  smoothness: 3e-6,
};

const pebalRanges: Ranges<PebalOptions> = {
  ...{ weight: notNegative, outlierWeight: notNegative },
  ...{ sparsity: notNegative, smoothness: notNegative },
};

/** Probabilities of outlier pixels are not told apart below it. */
const leastProbability = 1e-7;

/**
 * The gambler's loss with a payoff that each pixel has for itself, o = blur(E²) with the energy E of the classes: abstaining is cheap where the
 * energy is near 0. The gradient flows through it.
 *
 *   mean_in -log ( p_y + p_{K+1}/o )  -  outlierWeight · mean_out mean_c log max( p_c + p_{K+1}/o, 10⁻⁷ )
 *
 * The first mean is taken twice, over the images without and over those with outlier pixels, and added, as in the authors' code.
 */
function energyBiasedGambler(inputs: PixelLossInputs, outlierWeight: number): Expr {
  const { logits, classes, labels, inlier, outlier } = inputs;
  const payoff = squeeze(gaussianBlur(unsqueeze(square(energy(classLogits(inputs))), [1])), [1]);
  const logProbability = logSoftmax(logits);
  const kept = keptShare(logProbability, classes, log(payoff));
  const cost = gamblerCost(logProbability, labels, kept);
  const mixed = mul(inlier, imagesWith(outlier));
  const inTerm = add(weightedMean(cost, sub(inlier, mixed)), weightedMean(cost, mixed));

  const probability = exp(slice(logProbability, { axes: [1], starts: [0], ends: [classes] }));
  const boosted = maximum(add(probability, unsqueeze(exp(kept), [1])), leastProbability);
  const gain = mul(sum(log(boosted), { axes: [1] }), 1 / classes);
  return sub(inTerm, mul(outlierWeight, weightedMean(gain, outlier)));
}

const classLogits = ({ logits, classes }: PixelLossInputs): Expr =>
  slice(logits, { axes: [1], starts: [0], ends: [classes] });

/** The Euclidean norm of all values in the mask; its gradient is 0 where there are none. */
function norm(values: Expr, mask: Expr): Expr {
  return first(values.builder.op("ReduceL2", [mul(values, mask)], { keepdims: int(0) }));
}

/** `½ Σ (x_p - x_q)²` over all pairs of neighbours p, q in a row or column of [N, H, W]. */
function roughness(map: Expr): Expr {
  const along = (axis: number) => {
    const size = map.dims[axis] as number;
    const later = slice(map, { axes: [axis], starts: [1], ends: [size] });
    return sum(square(sub(later, slice(map, { axes: [axis], starts: [0], ends: [size - 1] }))));
  };
  return mul(0.5, add(along(1), along(2)));
}

/** @param shift  what the energies of outlier pixels are lowered by before their norm is taken, [N, H, W]; by nothing if undefined */
function pebalCost(inputs: PixelLossInputs, energyCost: Expr, shift: Expr | undefined, options: PebalOptions): Expr {
  const map = energy(classLogits(inputs));
  const sparse = norm(shift === undefined ? map : sub(map, shift), inputs.outlier);
  const regular = add(mul(options.sparsity, sparse), mul(options.smoothness, roughness(map)));
  return add(energyBiasedGambler(inputs, options.outlierWeight), mul(options.weight, add(energyCost, regular)));
}

/**
 * Pixel-wise energy-biased abstention learning: a gambler's loss whose payoff follows the energy, the energy's hinges, and two
 * regularizers that keep the energy of outlier pixels small and that of neighbours alike,
 *
 *   gambler + weight · ( energy + sparsity · ‖E_out‖₂ + smoothness · ½ Σ (E_p - E_q)² )
 *
 * with neighbours p, q of the whole batch, void pixels included.
 *
 * Tian, Liu, Pang, Liu, Chen and Carneiro, "Pixel-wise Energy-biased Abstention Learning for Anomaly Segmentation on Complex Urban Driving Scenes",
 * ECCV 2022; weights, and the split into images with and without outliers, by their code.
 */
export const pebalLoss = definePixelLoss<PebalOptions>({
  name: "pebal",
  title: "PEBAL",
  source: "Tian et al., ECCV 2022",
  defaults: pebalDefaults,
  ranges: pebalRanges,
  score: "energy",
  hasMargins: true,
  usesPrior: false,
  abstentionClasses: 1,
  expression: (inputs, options) =>
    pebalCost(inputs, pixelEnergy({ ...inputs, logits: classLogits(inputs) }, options), undefined, options),
});

/**
 * PEBAL with the balanced energy in place of the energy; the norm of the outlier pixels is then that of E - αZ, while neighbours are compared by E,
 * as in the authors' code. With α = γ = 0 it is {@link pebalLoss}.
 *
 * Choi, Jeong and Choi, "Balanced Energy Regularization Loss for OOD Detection", CVPR 2023.
 */
export const balancedPebalLoss = definePixelLoss<PebalOptions & Balance>({
  name: "balanced-pebal",
  title: "Balanced energy PEBAL",
  source: "Choi, Jeong and Choi, CVPR 2023",
  defaults: { ...pebalDefaults, ...cityscapesBalance },
  ranges: { ...pebalRanges, ...balanceRanges },
  score: "energy",
  hasMargins: true,
  usesPrior: true,
  abstentionClasses: 1,
  expression(inputs, options) {
    const { cost, shift } = balancedPixelEnergy({ ...inputs, logits: classLogits(inputs) }, options);
    return pebalCost(inputs, cost, shift, options);
  },
});
