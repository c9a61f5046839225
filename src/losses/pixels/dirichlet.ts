import { OptionError } from "../../errors.js";
import { add, type Expr, exp, logSoftmax, mul, neg, oneHot, sub, sum, unsqueeze } from "../../ops/index.js";
import { energy } from "../../scores/index.js";
import { digamma, digammaRest, halfLogTwoPi, logGamma, logGammaRest } from "../../scores/pixels/gamma-functions.js";
import { notNegative, positive } from "../ranges.js";
import { weightedMean } from "./masks.js";
import { definePixelLoss, type PixelLossInputs } from "./types.js";

export interface DirichletOptions {
  /** Sum of the concentrations that inlier pixels are drawn to, > 0; the higher, the sharper. */
  readonly precision: number;
  /** Mean probability of each wrong class for inlier pixels, in (0, 1/K). */
  readonly smoothing: number;
  /** Of the outlier pixels relative to the inlier pixels. */
  readonly weight: number;
}

/** Concentrations that pixels of one kind are drawn to: of their class, and of each other one. */
interface Target {
  readonly own: number;
  readonly other: number;
}

const flat: Target = { own: 1, other: 1 };

/** @throws OptionError for a smoothing out of its range */
function sharp(classes: number, { precision, smoothing }: DirichletOptions): Target {
  if (!(smoothing > 0 && smoothing < 1 / classes)) {
    throw new OptionError({
      where: "dirichlet loss",
      expected: `a smoothing above 0 and below 1/${classes}, the share of each class`,
      received: String(smoothing),
    });
  }
  return { own: precision * (1 - (classes - 1) * smoothing), other: precision * smoothing };
}

/** The slopes d of both concentrations of a target β, and what does not depend on the prediction. */
function termsOf({ own, other }: Target, classes: number) {
  const rest = classes - 1;
  const total = own + rest * other;
  const [dOwn, dOther] = [digamma(own) - digamma(total), digamma(other) - digamma(total)];
  const normalization = logGamma(total) - logGamma(own) - rest * logGamma(other);
  return { dOwn, dOther, constant: normalization + own * dOwn + rest * other * dOther + rest * halfLogTwoPi };
}

/**
 * Kullback-Leibler divergence of the predicted Dirichlet distribution, α = exp f, from a target β,
 *
 *   KL = ln Γ(β_0) - Σ ln Γ(β_c) - ln Γ(α_0) + Σ ln Γ(α_c) + Σ (β_c - α_c) d_c,      d_c = ψ(β_c) - ψ(β_0)
 *
 * with the target of outliers where `outlier` is 1, and that of inliers elsewhere. By Stirling's formula the terms of the size of α_0 become
 * α_0 Σ p_c (log p_c - d_c), which is small near the target: summed one by one they would leave no digit of float32. The gradient is
 *
 *   ∂KL/∂f_c = α_c (ψ(α_c) - ψ(α_0) - d_c) = u(α_c) - p_c u(α_0) + α_c (log p_c - d_c),      u(a) = a (ψ(a) - ln a)
 *
 * @returns [N, H, W]
 */
function divergence({ logits, classes, labels, outlier }: PixelLossInputs, inlierTarget: Target): Expr {
  const [known, unknown] = [termsOf(inlierTarget, classes), termsOf(flat, classes)];
  const ofKind = (outlierValue: number, inlierValue: number) =>
    add(mul(outlier, outlierValue - inlierValue), inlierValue);
  // The label of an outlier is no class, so its one-hot entries are 0.
  const slope = add(
    unsqueeze(ofKind(unknown.dOther, known.dOther), [1]),
    mul(oneHot(labels, classes), known.dOwn - known.dOther),
  );
  const logShare = logSoftmax(logits);
  const logTotal = neg(energy(logits));
  const [share, distance] = [exp(logShare), sub(logShare, slope)];
  const overClasses = (x: Expr) => sum(x, { axes: [1] });
  const [value] = logits.builder.withGradient(
    [logits],
    () => {
      const large = mul(exp(logTotal), overClasses(mul(share, distance)));
      const small = overClasses(sub(logGammaRest(logits), mul(logits, 0.5)));
      const ofTotal = sub(mul(logTotal, 0.5), logGammaRest(logTotal));
      return [add(add(large, ofKind(unknown.constant, known.constant)), add(small, ofTotal))];
    },
    ([dy]) => {
      const rest = sub(digammaRest(logits), mul(share, unsqueeze(digammaRest(logTotal), [1])));
      return [dy && mul(unsqueeze(dy, [1]), add(rest, mul(exp(logits), distance)))];
    },
  ) as [Expr];
  return value;
}

/**
 * Dirichlet prior network: the logits are log concentrations of a Dirichlet distribution over class probabilities, drawn to a sharp one at
 * the label for inlier pixels and to the flat one for outlier pixels,
 *
 *   mean_in KL( Dir(β_y) ‖ Dir(exp f) ) + weight · mean_out KL( Dir(1) ‖ Dir(exp f) ),      β_y,c = precision · (c = y ? 1 - (K - 1)·smoothing : smoothing)
 *
 * Malinin and Gales, "Predictive Uncertainty Estimation via Prior Networks", NeurIPS 2018, eq. 12 and 13; on pixels as "Dirichlet DeepLab" in Blum et
 * al., "The Fishyscapes Benchmark", IJCV 2021, who take void pixels for outliers, find it unstable, and publish no settings. Finite for logits below 88.
 * A network trained by cross entropy has concentrations far from the target, and losses to match: lower the learning rate.
 *
 * @throws OptionError unless 0 < smoothing < 1/K
 */
export const dirichletLoss = definePixelLoss<DirichletOptions>({
  name: "dirichlet",
  title: "Dirichlet prior network",
  source: "Malinin and Gales, NeurIPS 2018",
  defaults: { precision: 1000, smoothing: 0.01, weight: 1 },
  ranges: { precision: positive, weight: notNegative },
  score: "differential-entropy",
  hasMargins: false,
  usesPrior: false,
  expression(inputs, options) {
    const cost = divergence(inputs, sharp(inputs.classes, options));
    return add(weightedMean(cost, inputs.inlier), mul(options.weight, weightedMean(cost, inputs.outlier)));
  },
});
