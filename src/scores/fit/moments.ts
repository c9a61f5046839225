/** Sums over vectors of classes, in float64, less a vector near them all so that nothing cancels when their mean is far from 0. */
export interface Sums {
  /** Vectors of each class, [K]. */
  readonly counts: Float64Array;
  /** What was taken off each vector before it was added, [D]. */
  readonly shift: Float64Array;
  /** Sums by class [K, D]. */
  readonly sums: Float64Array;
  /** Sum of the outer products, symmetric [D, D]; empty where no covariance is wanted. */
  readonly products: Float64Array;
}

/** Counts, means and covariances of vectors by class. */
export class Moments {
  readonly classes: number;
  readonly dimension: number;

  constructor(private readonly of: Sums) {
    this.classes = of.counts.length;
    this.dimension = of.shift.length;
  }

  get counts(): Float64Array {
    return this.of.counts;
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** Mean of all vectors, [D]. */
  mean(): Float64Array {
    const { count, of } = this;
    return this.totals().map((sum, axis) => sum / count + (of.shift[axis] as number));
  }

  /** Means by class, [K, D]; NaN for a class without vectors. */
  classMeans(): Float64Array {
    const { counts, sums, shift } = this.of;
    const { dimension } = this;
    return sums.map(
      (sum, at) => sum / (counts[Math.floor(at / dimension)] as number) + (shift[at % dimension] as number),
    );
  }

  /** Covariance of all vectors about their mean, divided by their number, [D, D]. */
  covariance(): Float64Array {
    return this.scatterAbout([{ sums: this.totals(), count: this.count }]);
  }

  /** Covariance of all vectors about the means of their classes, divided by their number, [D, D]. */
  withinCovariance(): Float64Array {
    const { dimension, of } = this;
    return this.scatterAbout(
      Array.from(of.counts, (count, label) => ({
        sums: of.sums.subarray(label * dimension, (label + 1) * dimension),
        count,
      })),
    );
  }

  /** Sums over all classes, [D]. */
  private totals(): Float64Array {
    const result = new Float64Array(this.dimension);
    this.of.sums.forEach((sum, at) => {
      result[at % result.length] = (result[at % result.length] as number) + sum;
    });
    return result;
  }

  private scatterAbout(groups: readonly { readonly sums: Float64Array; readonly count: number }[]): Float64Array {
    const { dimension, count: all } = this;
    const result = this.of.products.slice();
    for (const { sums, count } of groups) {
      if (count === 0) continue;
      for (let i = 0; i < dimension; i++) {
        const row = result.subarray(i * dimension, (i + 1) * dimension);
        const mean = (sums[i] as number) / count;
        for (let j = 0; j <= i; j++) row[j] = (row[j] as number) - mean * (sums[j] as number);
      }
    }
    // Rounding may differ between the triangles.
    for (let i = 0; i < dimension; i++) {
      for (let j = 0; j <= i; j++) {
        const value = (result[i * dimension + j] as number) / all;
        result[i * dimension + j] = value;
        result[j * dimension + i] = value;
      }
    }
    return result;
  }
}
