import { type Expr, sum } from "../ops/index.js";
import { checkRidge, fitClasses, nearestClassDistance } from "./mahalanobis.js";
import { featuresOf, imageOf } from "./needed.js";
import { checkEpsilon, movedImage } from "./odin.js";
import { defineScore, type Fitted, type ScoreInputs } from "./types.js";

type PerturbedMahalanobisOptions = {
  /** Share of the mean variance that is added to each variance, ≥ 0. */
  readonly ridge: number;
  /** ε, the step in pixels of [0, 1], >= 0; 0 leaves the image as it is. */
  readonly epsilon: number;
};

/**
 * {@link mahalanobisScore} of an image that was moved one step towards its nearest class, which in-distribution images come closer to
 * than others.
 *
 *   s(x) = d(x~),      x~ = x - ε · sign(∇ₓ d(x)),      d(x) = min_c (z(x) - μ_c)ᵀ Σ⁻¹ (z(x) - μ_c)
 *
 * Lee, Lee, Lee and Shin, "A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks", NeurIPS 2018, eq. 2
 * and 3, of the last features only. sign and the units of ε are those of {@link odin}. The authors choose ε among 0, 0.0005, 0.001, 0.0014,
 * 0.002, 0.005 and 0.01 on images of the OOD set that they test; the default is in the middle, chosen on nothing. Higher means more
 * out-of-distribution; ≥ 0.
 *
 * @returns [1], as `inputs` are those of one image
 * @throws UnsupportedError when only the logits are known
 */
export function perturbedMahalanobis(
  inputs: ScoreInputs,
  { epsilon }: PerturbedMahalanobisOptions,
  fitted: Fitted,
): Expr {
  const { image } = imageOf(inputs, score);
  const distance = (features: Expr) => nearestClassDistance(features, fitted, score);
  const gradient = image.gradientOf(sum(distance(featuresOf(inputs, score).features)));
  return distance(image.featuresOf(movedImage(image, gradient, -epsilon)));
}

const score = "perturbed-mahalanobis";

export const perturbedMahalanobisScore = defineScore({
  name: score,
  title: "Mahalanobis distance of a moved image",
  source: "Lee et al., NeurIPS 2018, eq. 2 and 3",
  uses: ["image", "features", "labels"],
  reads: ["features"],
  defaults: { ridge: 1e-6, epsilon: 0.0014 },
  check: (options: PerturbedMahalanobisOptions) => {
    checkRidge(options, score);
    checkEpsilon(score, options.epsilon);
  },
  /** @throws DataError for a class without images, features that do not vary within classes, a singular Σ */
  fit: ({ features }, options, note) => fitClasses(features, options, score, note),
  expression: perturbedMahalanobis,
});
