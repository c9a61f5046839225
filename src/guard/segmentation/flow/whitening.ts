/** Features brought to few uncorrelated numbers of variance 1, which is what a flow is trained on. */
import { DataError } from "../../../errors.js";
import type { Tensor } from "../../../onnx/types.js";
import { add, type Expr, matMul, sub } from "../../../ops/index.js";
import type { Engine } from "../../../runtime/index.js";
import { Moments } from "../../../scores/fit/moments.js";
import { SumGraph } from "../../../scores/fit/sum-graph.js";
import { symmetricEigen } from "../../../scores/fit/symmetric-eigen.js";

/** Tensors of a whitening. */
export interface Whitening<Value> {
  /** μ, [D] */
  readonly mean: Value;
  /** W, [D, d]: principal axes, each divided by the standard deviation along it. */
  readonly axes: Value;
  /** Σ log of these standard deviations: what -log density gains by going back to the features. */
  readonly logVolume: Value;
}

export const whiteningTensors = ["mean", "axes", "logVolume"] as const;

export const asWhitening = <Value>(of: (name: keyof Whitening<Value>) => Value): Whitening<Value> =>
  Object.fromEntries(whiteningTensors.map((name) => [name, of(name)])) as unknown as Whitening<Value>;

/** Axes along which the variance is less than this share of the largest are left out: channels that are always zero, or copies of others. */
const leastVariance = 1e-6;
/** Rows that go to the engine at a time. */
const rowsAtOnce = 8192;

/**
 * Principal components of features,
 *
 *   y = Wᵀ (x - μ),      W = [v₁/√λ₁ ... v_d/√λ_d]
 *
 * with the eigenvectors v of the d largest eigenvalues λ of the covariance. The density of y, less Σ ½ log λ, is that of the features along these axes; of
 * all features where d = D.
 *
 * @param features    float32 [count, D] row by row
 * @param dimension   D
 * @param most        largest d
 * @param score       for errors
 * @throws DataError for no features, features that do not vary, and NaN
 */
export async function fitWhitening(
  engine: Engine,
  features: Float32Array,
  dimension: number,
  { most, score }: { readonly most: number; readonly score: string },
): Promise<Whitening<Tensor>> {
  if (features.length === 0) {
    throw new DataError({
      where: `${score} score`,
      expected: "pixels that are labelled with a class",
      received: "none",
      hint: "check the labels, or fit it to more images",
    });
  }
  const bad = features.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new DataError({
      where: `${score} score`,
      expected: "features that are finite numbers",
      received: String(features[bad]),
      hint: "check --normalize and the model",
    });
  }
  const moments = await momentsOf(engine, features, dimension);
  const { values, vectors } = symmetricEigen(moments.covariance());
  // The largest eigenvalues are the last.
  const variances = values.slice(-most).toReversed();
  const largest = variances[0] as number;
  if (!(largest > 0)) {
    throw new DataError({
      where: `${score} score`,
      expected: "features that differ between pixels",
      received: `${moments.count} pixels with the same ones`,
      hint: "fit it to more images, or name another tensor with --layer",
    });
  }
  const kept = variances.filter((variance) => variance > leastVariance * largest);
  const axes = new Float64Array(dimension * kept.length);
  for (let axis = 0; axis < dimension; axis++) {
    kept.forEach((variance, column) => {
      axes[axis * kept.length + column] =
        (vectors[(dimension - 1 - column) * dimension + axis] as number) / Math.sqrt(variance);
    });
  }
  const logVolume = kept.reduce((total, variance) => total + 0.5 * Math.log(variance), 0);
  return {
    mean: { dtype: "float64", dims: [dimension], data: moments.mean() },
    axes: { dtype: "float64", dims: [dimension, kept.length], data: axes },
    logVolume: { dtype: "float64", dims: [], data: Float64Array.of(logVolume) },
  };
}

/** @param features  float32 [..., D] @returns [..., d] */
export const whiten = (features: Expr, { mean, axes }: Whitening<Expr>): Expr => matMul(sub(features, mean), axes);

/** From -log density of the whitened numbers to that of the features. */
export const asFeatures = (negativeLogDensity: Expr, { logVolume }: Whitening<Expr>): Expr =>
  add(negativeLogDensity, logVolume);

async function momentsOf(engine: Engine, features: Float32Array, dimension: number): Promise<Moments> {
  const sums = await SumGraph.load(engine, { classes: 1, dimension }, { directions: false, products: true });
  try {
    for (let start = 0; start < features.length; start += rowsAtOnce * dimension) {
      const rows = features.subarray(start, start + rowsAtOnce * dimension);
      await sums.add(rows, new Int32Array(rows.length / dimension));
    }
    return new Moments(sums.result());
  } finally {
    await sums.release();
  }
}
