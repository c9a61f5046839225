import { DataError, OptionError } from "../errors.js";
import { int, type Tensor } from "../onnx/types.js";
import { type Expr, first, gather, matMul, square, sub, sum, transposeLast } from "../ops/index.js";
import { ridged, trace, whitening, whySingular } from "./fit/matrices.js";
import type { Moments } from "./fit/moments.js";
import { featuresOf, fittedTensor, inTwoParts } from "./needed.js";
import { defineScore, type FitNote, type Fitted } from "./types.js";

/**
 * Squared Mahalanobis distance of the features to the nearest class,
 *
 *   s(x) = min_c (z - μ_c)ᵀ Σ⁻¹ (z - μ_c),      Σ = Σ_W + ridge · trace(Σ_W)/D · I
 *
 * with the class means μ_c and the covariance Σ_W about them, divided by the number of images. Lee, Lee, Lee and Shin, "A
 * Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks", NeurIPS 2018, eq. 2, of the
 * last features only and without perturbing the input, which {@link perturbedMahalanobis} does. Higher means more out-of-distribution; ≥ 0, about D for
 * in-distribution images.
 *
 * Features float [N, D]; scores [N].
 */
export const mahalanobisScore = defineScore({
  name: "mahalanobis",
  title: "Mahalanobis distance",
  source: "Lee et al., NeurIPS 2018, eq. 2",
  uses: ["features", "labels"],
  reads: ["features"],
  defaults: { ridge: 1e-6 },
  check: (options) => checkRidge(options, "mahalanobis"),
  /** @throws DataError for a class without images, features that do not vary within classes, a singular Σ */
  fit: ({ features }, options, note) => fitClasses(features, options, "mahalanobis", note),
  expression: (inputs, _, fitted) =>
    nearestClassDistance(featuresOf(inputs, "mahalanobis").features, fitted, "mahalanobis"),
});

export type RidgeOptions = {
  /** Share of the mean variance that is added to each variance, ≥ 0. */
  readonly ridge: number;
};

/** @throws OptionError unless the ridge is a finite number ≥ 0 */
export function checkRidge({ ridge }: RidgeOptions, score: string): void {
  if (ridge >= 0 && Number.isFinite(ridge)) return;
  throw new OptionError({ where: `${score} score`, expected: "a ridge ≥ 0", received: String(ridge) });
}

type ClassFit = Readonly<Record<"means" | "whitening" | "mean" | "directions" | "offsets", Tensor>>;

/**
 * What {@link nearestClassDistance} needs: means μ_c [K, D] and the whitening A [D, D], AᵀA = Σ⁻¹; and for finding the nearest
 * class, as linear discriminant analysis does, the mean μ of all [D], Σ⁻¹(μ_c - μ) as columns [D, K], and the offsets
 * ½ (μ_c - μ)ᵀ Σ⁻¹ (μ_c - μ) [K].
 *
 * @param note  told when Σ_W is singular and only the ridge makes Σ invertible
 */
export function fitClasses(
  features: Moments,
  { ridge }: RidgeOptions,
  score: string,
  note: FitNote | undefined,
): ClassFit {
  const { classes, dimension, counts } = features;
  const empty = counts.indexOf(0);
  if (empty >= 0) {
    throw new DataError({
      where: `${score} score`,
      expected: `images of every class, 0 to ${classes - 1}`,
      received: `none of class ${empty}`,
      hint: "fit it to more images of this class, or use a score without labels, such as knn",
    });
  }
  const original = trace(features.covariance());
  const within = features.withinCovariance();
  const whiten = whitening(ridged(within, { ridge, score, vary: "differ within a class", original }), score);
  const why = whySingular(within, features.count, classes);
  if (why !== undefined) {
    note?.(
      `${score} score: the covariance is singular, as ${why}; the ridge of ${ridge} stands in for the variance that is missing`,
    );
  }
  const [means, mean] = [features.classMeans(), features.mean()];
  const directions = new Float64Array(dimension * classes);
  const offsets = new Float64Array(classes);
  for (let label = 0; label < classes; label++) {
    const below = mean.map((value, axis) => (means[label * dimension + axis] as number) - value);
    const { direction, squaredLength } = whitenTwice(whiten, below);
    offsets[label] = squaredLength / 2;
    direction.forEach((value, axis) => {
      directions[axis * classes + label] = value;
    });
  }
  return {
    means: float64([classes, dimension], means),
    whitening: float64([dimension, dimension], whiten),
    mean: float64([dimension], mean),
    directions: float64([dimension, classes], directions),
    offsets: float64([classes], offsets),
  };
}

/** AᵀA x and |A x|² for a lower triangular A. */
function whitenTwice(whiten: Float64Array, x: Float64Array): { direction: Float64Array; squaredLength: number } {
  const dimension = x.length;
  const direction = new Float64Array(dimension);
  let squaredLength = 0;
  for (let row = 0; row < dimension; row++) {
    const factors = whiten.subarray(row * dimension, row * dimension + row + 1);
    let white = 0;
    for (let axis = 0; axis <= row; axis++) white += (factors[axis] as number) * (x[axis] as number);
    squaredLength += white ** 2;
    for (let axis = 0; axis <= row; axis++) {
      direction[axis] = (direction[axis] as number) + white * (factors[axis] as number);
    }
  }
  return { direction, squaredLength };
}

/** A tensor of a fit. */
export const float64 = (dims: readonly number[], data: Float64Array): Tensor => ({ dtype: "float64", dims, data });

/**
 * min_c (z - μ_c)ᵀ Σ⁻¹ (z - μ_c) of a fit by {@link fitClasses}.
 *
 * The distance is computed for the nearest class alone, from the difference, because in float32 the difference of the large terms of the
 * expanded square loses all digits where classes lie far apart.
 *
 * @param features  float32 [N, D]
 * @returns [N], ≥ 0
 */
export function nearestClassDistance(features: Expr, fitted: Fitted, score: string): Expr {
  const nearest = nearestClass(features, fitted, score);
  return squaredLength(features, fitted, { centres: "means", factor: "whitening", row: nearest, score });
}

/**
 * The nearest class by a fit of {@link fitClasses}, int64 [N]: that of the largest zᵀΣ⁻¹μ_c - ½ μ_cᵀΣ⁻¹μ_c, as zᵀΣ⁻¹z is the same for
 * all. One narrow product.
 */
export function nearestClass(features: Expr, fitted: Fitted, score: string): Expr {
  const constant = (name: string) => features.builder.constant(fittedTensor(fitted, name, score));
  const closeness = sub(matMul(sub(features, constant("mean")), constant("directions")), constant("offsets"));
  return first(features.builder.op("ArgMax", [closeness], { axis: int(1), keepdims: int(0) }));
}

/** |F (z - v_c)|², [N], of the tensors `factor` [D, D] and `centres` [K, D] of a fit and the `row` c of each image, int64 [N]. */
export function squaredLength(
  features: Expr,
  fitted: Fitted,
  { centres, factor, row, score }: { centres: string; factor: string; row: Expr; score: string },
): Expr {
  const [rounded, rest] = inTwoParts(features, fitted, centres, score);
  const difference = sub(sub(features, gather(rounded, row, 0)), gather(rest, row, 0));
  const turned = matMul(difference, transposeLast(features.builder.constant(fittedTensor(fitted, factor, score))));
  return sum(square(turned), { axes: [1] });
}
