import { sub } from "../ops/index.js";
import { ridged, whitening } from "./fit/matrices.js";
import { checkRidge, fitClasses, float64, inTwoParts, nearestClassDistance, whitenedLength } from "./mahalanobis.js";
import { featuresOf, fittedTensor } from "./needed.js";
import { defineScore } from "./types.js";

/**
 * Squared Mahalanobis distance to the nearest class, relative to that to all images,
 *
 *   s(x) = min_c (z - μ_c)ᵀ Σ⁻¹ (z - μ_c) - (z - μ)ᵀ Σ_0⁻¹ (z - μ)
 *
 * with the class means μ_c and the covariance Σ about them, and the mean μ and covariance Σ_0 of all images, each with
 * ridge · trace/D on its diagonal. Ren, Fort, Liu, Roy, Padhy and Lakshminarayanan, "A Simple Fix to Mahalanobis Distance
 * for Improving Near-OOD Detection", 2021; the paper's confidence is -s. Higher means more out-of-distribution; any
 * real number.
 *
 * Features float [N, D]; scores [N].
 */
export const relativeMahalanobisScore = defineScore({
  name: "relative-mahalanobis",
  title: "Relative Mahalanobis distance",
  source: "Ren et al., 2021",
  uses: ["features", "labels"],
  defaults: { ridge: 1e-6 },
  check: (options) => checkRidge(options, score),
  /** @throws DataError for a class without images, features that do not vary within classes, a singular Σ or Σ_0 */
  fit: ({ features }, { ridge }) => {
    const classes = fitClasses(features, { ridge }, score);
    const overall = whitening(ridged(features.covariance(), { ridge, score, vary: "differ" }), score);
    const { dimension } = features;
    return { ...classes, overall: float64([dimension, dimension], overall) };
  },
  expression: (inputs, _, fitted) => {
    const { features } = featuresOf(inputs, score);
    const [mean, rest] = inTwoParts(features, fitted, { name: "mean", score });
    const overall = features.builder.constant(fittedTensor(fitted, "overall", score));
    return sub(nearestClassDistance(features, fitted, score), whitenedLength(sub(sub(features, mean), rest), overall));
  },
});

const score = "relative-mahalanobis";
