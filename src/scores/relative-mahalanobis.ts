import { gather, sub } from "../ops/index.js";
import { ridged } from "./fit/matrices.js";
import { relativeMetric } from "./fit/relative-metric.js";
import { checkRidge, fitClasses, float64, nearestClass, squaredLength } from "./mahalanobis.js";
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
 * Both distances are large beside their difference, of which float32 would leave few digits. It is computed as one squared length, less a
 * number that is at most the number of classes or so: see {@link relativeMetric}.
 *
 * Features float [N, D]; scores [N].
 */
export const relativeMahalanobisScore = defineScore({
  name: "relative-mahalanobis",
  title: "Relative Mahalanobis distance",
  source: "Ren et al., 2021",
  uses: ["features", "labels"],
  reads: ["features"],
  defaults: { ridge: 1e-6 },
  check: (options) => checkRidge(options, score),
  /** @throws DataError for a class without images, features that do not vary within classes, a singular Σ */
  fit: ({ features }, { ridge }, note) => {
    const { classes, dimension } = features;
    const { means, whitening, mean, ...nearest } = fitClasses(features, { ridge }, score, note);
    const middle = mean.data as Float64Array;
    const fromMiddle = (means.data as Float64Array).map((value, at) => value - (middle[at % dimension] as number));
    const overall = ridged(features.covariance(), { ridge, score, vary: "differ" });
    const { factor, centres, excess } = relativeMetric(whitening.data as Float64Array, overall, fromMiddle);
    return {
      ...{ mean, ...nearest, factor: float64([dimension, dimension], factor), excess: float64([classes], excess) },
      centres: float64(
        [classes, dimension],
        centres.map((value, at) => value + (middle[at % dimension] as number)),
      ),
    };
  },
  expression: (inputs, _, fitted) => {
    const { features } = featuresOf(inputs, score);
    const row = nearestClass(features, fitted, score);
    const length = squaredLength(features, fitted, { centres: "centres", factor: "factor", row, score });
    return sub(length, gather(features.builder.constant(fittedTensor(fitted, "excess", score)), row, 0));
  },
});

const score = "relative-mahalanobis";
