import { DataError } from "../../../errors.js";
import { type Expr, matMul, minimum, square, squeeze, sub, sum, transpose, unsqueeze } from "../../../ops/index.js";
import { ridged, trace, whitening } from "../../../scores/fit/matrices.js";
import type { Moments } from "../../../scores/fit/moments.js";
import type { Fitted } from "../../../scores/index.js";
import { checkRidge, type RidgeOptions } from "../../../scores/mahalanobis.js";
import { fittedTensor } from "../../../scores/needed.js";
import { resizeLogits } from "../../../training/segmentation/resize-logits.js";
import { definePixelScore, type PixelScoreInputs } from "./types.js";

/**
 * Squared Mahalanobis distance of a pixel's features to the nearest class, every class with a covariance of its own,
 *
 *   s(x) = min_c (z - μ_c)ᵀ Σ_c⁻¹ (z - μ_c)
 *
 * Lee, Lee, Lee and Shin, NeurIPS 2018; class-wise as the baseline of SegmentMeIfYouCan (Chan et al., NeurIPS 2021 datasets track, code), where one
 * covariance for all classes is what images have. Distances are computed where the features are, and the map is then brought to the
 * image's size. Each Σ_c gets `ridge` times its mean variance on its diagonal.
 */
export const pixelMahalanobisScore = definePixelScore({
  name: "mahalanobis",
  title: "Class-wise Mahalanobis distance",
  source: "Lee et al., NeurIPS 2018; Chan et al., NeurIPS 2021",
  uses: ["features"],
  reads: ["classMoments"],
  defaults: { ridge: 1e-6 },
  check: (options) => checkRidge(options, "mahalanobis"),
  fit: ({ classMoments }, options) => fitClasses(classMoments, options),
  expression({ features, size }: PixelScoreInputs, _options, fitted) {
    const { builder } = features as Expr;
    const { dims, data: whitenings } = fittedTensor(fitted, "whitenings", "mahalanobis");
    const means = fittedTensor(fitted, "means", "mahalanobis").data;
    const [classes, dimension] = dims as [number, number];
    const rows = transpose(features as Expr, [0, 2, 3, 1]);
    let nearest: Expr | undefined;
    for (let label = 0; label < classes; label++) {
      const own = (values: Float32Array, ...shape: readonly number[]) => {
        const length = shape.reduce((product, count) => product * count, 1);
        const data = values.slice(label * length, (label + 1) * length);
        return builder.constant({ dtype: "float32", dims: shape, data });
      };
      const mean = own(means, dimension);
      const whiten = own(whitenings, dimension, dimension);
      const distance = sum(square(matMul(sub(rows, mean), whiten)), { axes: [3] });
      nearest = nearest === undefined ? distance : minimum(nearest, distance);
    }
    return squeeze(resizeLogits(unsqueeze(nearest as Expr, [1]), size.height, size.width), [1]);
  },
});

/**
 * Means [K, D] and transposed whitenings [K, D, D].
 *
 * @throws DataError for a class without pixels, or whose features do not vary
 */
function fitClasses(classes: readonly Moments[], { ridge }: RidgeOptions): Fitted {
  const dimension = classes[0]?.dimension ?? 0;
  const means = new Float64Array(classes.length * dimension);
  const whitenings = new Float64Array(classes.length * dimension ** 2);
  classes.forEach((moments, label) => {
    if (moments.count === 0) {
      throw new DataError({
        where: "mahalanobis score",
        expected: `pixels of every class, 0 to ${classes.length - 1}`,
        received: `none of class ${label}`,
        hint: "fit it to more images, or use a score without classes, such as knn-density",
      });
    }
    const covariance = moments.covariance();
    const original = trace(covariance) + moments.mean().reduce((total, value) => total + value ** 2, 0);
    const whiten = whitening(
      ridged(covariance, { ridge, score: "mahalanobis", vary: `differ within class ${label}`, original }),
      "mahalanobis",
    );
    means.set(moments.mean(), label * dimension);
    for (let row = 0; row < dimension; row++) {
      for (let column = 0; column <= row; column++) {
        whitenings[label * dimension ** 2 + column * dimension + row] = whiten[row * dimension + column] as number;
      }
    }
  });
  return {
    means: { dtype: "float64", dims: [classes.length, dimension], data: means },
    whitenings: { dtype: "float64", dims: [classes.length, dimension, dimension], data: whitenings },
  };
}
