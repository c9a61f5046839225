/** Float64 linear algebra for fits, on square matrices that are row-major arrays of D·D numbers. */
import { CholeskyDecomposition, Matrix, SVD } from "ml-matrix";
import { DataError } from "../../errors.js";
import { symmetricEigen } from "./symmetric-eigen.js";

/** Sum of the diagonal. */
export function trace(matrix: Float64Array): number {
  const dimension = Math.sqrt(matrix.length);
  let sum = 0;
  for (let axis = 0; axis < dimension; axis++) sum += matrix[axis * dimension + axis] as number;
  return sum;
}

/** A covariance whose trace is a smaller share than this of the trace it was computed from is rounding, not variance. */
const negligible = 1e-12;

/**
 * Σ + ridge · trace(Σ)/D · I: what makes the covariance of few images, or of features that never vary, invertible.
 *
 * @param score     name of the score, for the error
 * @param vary      what the images should do, for the error: "differ within a class"
 * @param original  trace of the matrix of which Σ is what is left
 * @throws DataError for a Σ of zeros, or with numbers that are not finite: no share of its trace helps
 */
export function ridged(
  covariance: Float64Array,
  { ridge, score, vary, original = 0 }: { ridge: number; score: string; vary: string; original?: number },
): Float64Array {
  const dimension = Math.sqrt(covariance.length);
  const total = trace(covariance);
  if (!Number.isFinite(total)) {
    throw new DataError({
      where: `${score} score`,
      expected: "features that are finite numbers",
      received: `a total variance of ${total}`,
      hint: "check the model for infinities and NaN",
    });
  }
  if (total <= negligible * original) {
    throw new DataError({
      where: `${score} score`,
      expected: `images whose features ${vary}`,
      received: "a covariance of zero",
      hint: "fit it to more images, or use a score of the logits, such as energy",
    });
  }
  const result = covariance.slice();
  for (let axis = 0; axis < dimension; axis++) {
    result[axis * dimension + axis] = (result[axis * dimension + axis] as number) + (ridge * total) / dimension;
  }
  return result;
}

/** Why a covariance of `images` vectors about the means of their `classes` is singular; undefined where it is not. */
export function whySingular(covariance: Float64Array, images: number, classes: number): string | undefined {
  const dimension = Math.sqrt(covariance.length);
  const least = negligible * trace(covariance);
  const still = Array.from({ length: dimension }, (_, axis) => covariance[axis * dimension + axis] as number).filter(
    (variance) => variance <= least,
  ).length;
  if (still > 0) return `${still} of ${dimension} features do not vary within a class`;
  const most = Math.max(0, images - classes);
  if (most < dimension) {
    return `${images} images of ${classes} classes vary along at most ${most} of ${dimension} dimensions`;
  }
  const dependent = countDependent(covariance);
  return dependent > 0
    ? `${dependent} of ${dimension} features are linear functions of others within a class`
    : undefined;
}

/** Features are kept as float32: what others explain all but this share of a variance of, differs from a function of them by rounding. */
const unexplained = 1e-11;

/** How many features are linear functions of those before them: steps of Cholesky's factorisation at which no variance is left. */
function countDependent(covariance: Float64Array): number {
  const dimension = Math.sqrt(covariance.length);
  const factor = new Float64Array(covariance.length);
  const row = (index: number) => factor.subarray(index * dimension, (index + 1) * dimension);
  let count = 0;
  for (let axis = 0; axis < dimension; axis++) {
    const own = row(axis);
    for (let before = 0; before < axis; before++) {
      const other = row(before);
      const pivot = other[before] as number;
      if (pivot === 0) continue;
      let rest = covariance[axis * dimension + before] as number;
      for (let at = 0; at < before; at++) rest -= (own[at] as number) * (other[at] as number);
      own[before] = rest / pivot;
    }
    const variance = covariance[axis * dimension + axis] as number;
    const left = own.subarray(0, axis).reduce((rest, part) => rest - part ** 2, variance);
    if (left > unexplained * variance) own[axis] = Math.sqrt(left);
    else count++;
  }
  return count;
}

/**
 * The lower triangular A with AᵀA = Σ⁻¹, so that |A x|² is the squared Mahalanobis length of x: the inverse of Σ's Cholesky
 * factor.
 *
 * @throws DataError for a singular Σ
 */
export function whitening(covariance: Float64Array, score: string): Float64Array {
  const dimension = Math.sqrt(covariance.length);
  const { lowerTriangularMatrix } = new CholeskyDecomposition(toMatrix(covariance, dimension));
  const result = new Float64Array(covariance.length);
  for (let i = 0; i < dimension; i++) {
    const factors = lowerTriangularMatrix.getRow(i);
    const pivot = factors[i] as number;
    // A pivot of zero comes out as rounding errors of the diagonal element that it is the rest of.
    const rounding = dimension * Number.EPSILON * (covariance[i * dimension + i] as number);
    if (!(pivot ** 2 > rounding)) {
      throw new DataError({
        where: `${score} score`,
        expected: `features whose ${dimension} dimensions vary independently`,
        received: "a singular covariance",
        hint: "fit it to more images than there are dimensions, or choose a larger ridge",
      });
    }
    // Row i of L⁻¹, from L·L⁻¹ = I: the unit vector less the rows above, times their factors.
    for (let k = 0; k < i; k++) {
      const factor = factors[k] as number;
      for (let j = 0; j <= k; j++) {
        result[i * dimension + j] =
          (result[i * dimension + j] as number) - factor * (result[k * dimension + j] as number);
      }
    }
    for (let j = 0; j < i; j++) result[i * dimension + j] = (result[i * dimension + j] as number) / pivot;
    result[i * dimension + i] = 1 / pivot;
  }
  return result;
}

/** The eigenvectors of the `count` smallest eigenvalues of a symmetric matrix, as columns, [D, count] row by row. */
export function smallestEigenvectors(symmetric: Float64Array, count: number): Float64Array {
  const dimension = Math.sqrt(symmetric.length);
  const { vectors } = symmetricEigen(symmetric);
  return Float64Array.from(
    { length: dimension * count },
    (_, at) => vectors[(at % count) * dimension + Math.floor(at / count)] as number,
  );
}

/**
 * pinv(A)·b, the shortest of the x for which A·x is nearest to b.
 *
 * @param matrix  A, [rows, columns] row by row
 * @param vector  b, [rows]
 */
export function leastNormSolution(matrix: ArrayLike<number>, vector: ArrayLike<number>): Float64Array {
  const columns = matrix.length / vector.length;
  const svd = new SVD(toMatrix(matrix, columns), { autoTranspose: true });
  const [left, right] = [svd.leftSingularVectors, svd.rightSingularVectors];
  const result = new Float64Array(columns);
  svd.diagonal.forEach((value, at) => {
    // Smaller singular values are rounding errors of 0; ml-matrix takes the same bound as LAPACK's users do.
    if (value <= svd.threshold) return;
    let along = 0;
    for (let row = 0; row < vector.length; row++) along += left.get(row, at) * (vector[row] as number);
    for (let axis = 0; axis < columns; axis++) {
      result[axis] = (result[axis] as number) + (along / value) * right.get(axis, at);
    }
  });
  return result;
}

function toMatrix(values: ArrayLike<number>, columns: number): Matrix {
  const rows = values.length / columns;
  return Matrix.from1DArray(rows, columns, values);
}
