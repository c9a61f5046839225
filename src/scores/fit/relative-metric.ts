/** The difference of two squared Mahalanobis lengths as one, in float64. */
import { EVD, Matrix } from "ml-matrix";

export interface RelativeMetric {
  /** F, row by row [D, D]; zeros for directions in which both covariances are the same. */
  readonly factor: Float64Array;
  /** v_c, [K, D]. */
  readonly centres: Float64Array;
  /** e_c, [K]. */
  readonly excess: Float64Array;
}

/**
 * F, v and e of
 *
 *   (q - m_c)ᵀ Σ⁻¹ (q - m_c) - qᵀ Σ_0⁻¹ q = |F (q - v_c)|² - e_c,
 *
 * where no direction in the space of q varies less by Σ_0 than by Σ. In the coordinates y = T q in which Σ is 1 and Σ_0 is
 * diagonal, 1 + λ, the left side is the sum of g (y - n_c/g)² - n_c²/λ with n_c = T m_c and g = λ / (1 + λ).
 *
 * @param whiten   lower triangular A, AᵀA = Σ⁻¹
 * @param overall  Σ_0
 * @param means    m_c, [K, D]
 */
export function relativeMetric(whiten: Float64Array, overall: Float64Array, means: Float64Array): RelativeMetric {
  const size = Math.sqrt(whiten.length);
  const classes = means.length / size;
  const a = Matrix.from1DArray(size, size, whiten);
  const turned = a.mmul(Matrix.from1DArray(size, size, overall)).mmul(a.transpose());
  const { realEigenvalues: variances, eigenvectorMatrix: axes } = new EVD(turned, { assumeSymmetric: true });
  const coordinates = axes.transpose().mmul(a);
  // Smaller ones are rounding errors of the largest.
  const smallest = size * Number.EPSILON * (variances.at(-1) as number);
  const gains = variances.map((variance) => (variance - 1 > smallest ? (variance - 1) / variance : 0));
  const ofClasses = Matrix.from1DArray(classes, size, means).mmul(coordinates.transpose());
  const excess = new Float64Array(classes);
  const scaled = Matrix.zeros(classes, size);
  for (let label = 0; label < classes; label++) {
    gains.forEach((gain, axis) => {
      if (gain === 0) return;
      const along = ofClasses.get(label, axis);
      excess[label] = (excess[label] as number) + along ** 2 / ((variances[axis] as number) - 1);
      scaled.set(label, axis, along / gain);
    });
  }
  const inWhitened = scaled.mmul(axes.transpose());
  const centres = new Float64Array(classes * size);
  for (let label = 0; label < classes; label++) {
    unwhiten(whiten, inWhitened.getRow(label), centres.subarray(label * size, (label + 1) * size));
  }
  const factor = Matrix.diag(gains.map(Math.sqrt)).mmul(coordinates);
  return { factor: Float64Array.from(factor.to1DArray()), centres, excess };
}

/** x of A x = y for a lower triangular A. */
function unwhiten(whiten: Float64Array, y: readonly number[], x: Float64Array): void {
  const size = x.length;
  for (let row = 0; row < size; row++) {
    const factors = whiten.subarray(row * size, row * size + row + 1);
    let rest = y[row] as number;
    for (let axis = 0; axis < row; axis++) rest -= (factors[axis] as number) * (x[axis] as number);
    x[row] = rest / (factors[row] as number);
  }
}
