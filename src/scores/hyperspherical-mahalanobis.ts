import { div, maximum, sqrt, square, sum } from "../ops/index.js";
import { checkRidge, fitClasses, nearestClassDistance } from "./mahalanobis.js";
import { featuresOf } from "./needed.js";
import { defineScore } from "./types.js";

/**
 * Squared Mahalanobis distance on the unit sphere: that of {@link mahalanobisScore} for the directions of the features,
 *
 *   s(x) = min_c (u - ν_c)ᵀ Σ⁻¹ (u - ν_c),      u = z/|z|,      Σ = Σ_W + ridge · trace(Σ_W)/D · I
 *
 * with the means ν_c of the directions of a class and the covariance Σ_W about them. The distance is that of Lee et al.,
 * NeurIPS 2018; that it is better on normalised features is found by Müller and Hein, "Mahalanobis++: Improving OOD
 * Detection via Feature Normalization", ICML 2025. Directions leave one dimension almost without variance, hence the larger
 * ridge. Higher means more out-of-distribution; ≥ 0. Features of zeros have the direction 0.
 *
 * Features float [N, D]; scores [N].
 */
export const hypersphericalMahalanobisScore = defineScore({
  name: "hyperspherical-mahalanobis",
  title: "Mahalanobis distance of directions",
  source: "Lee et al., NeurIPS 2018, on normalised features",
  uses: ["features", "labels"],
  reads: ["directions"],
  defaults: { ridge: 0.01 },
  check: (options) => checkRidge(options, score),
  /** @throws DataError for a class without images, directions that do not vary within classes, a singular Σ */
  fit: ({ directions }, options, note) => fitClasses(directions, options, score, note),
  expression: (inputs, _, fitted) => {
    const { features } = featuresOf(inputs, score);
    const length = sqrt(sum(square(features), { axes: [1], keep: true }));
    return nearestClassDistance(div(features, maximum(length, smallest)), fitted, score);
  },
});

const score = "hyperspherical-mahalanobis";

/** Smallest normal float32: keeps 0/0 from becoming NaN, and changes nothing else. */
const smallest = 2 ** -126;
