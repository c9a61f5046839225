/** Counts, means and covariances of vectors by class, added one by one, in float64. */
export class Moments {
  /** Vectors of each class. */
  readonly counts: Float64Array;
  /** Sums by class [K, D] of the vectors less `shift`. */
  private readonly sums: Float64Array;
  /** Sum of the outer products [D, D] of the vectors less `shift`, lower triangle. */
  private readonly products: Float64Array;
  /** The first vector: near the others, so that nothing cancels when their mean is far from 0. */
  private shift: Float64Array | undefined;
  private readonly moved: Float64Array;

  constructor(
    readonly classes: number,
    readonly dimension: number,
  ) {
    this.counts = new Float64Array(classes);
    this.sums = new Float64Array(classes * dimension);
    this.products = new Float64Array(dimension * dimension);
    this.moved = new Float64Array(dimension);
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  add(vector: ArrayLike<number>, label: number): void {
    const { dimension, sums, products, moved } = this;
    this.shift ??= Float64Array.from(vector);
    this.counts[label] = (this.counts[label] as number) + 1;
    const row = label * dimension;
    for (let axis = 0; axis < dimension; axis++) {
      const value = (vector[axis] as number) - (this.shift[axis] as number);
      moved[axis] = value;
      sums[row + axis] = (sums[row + axis] as number) + value;
    }
    for (let i = 0; i < dimension; i++) {
      const value = moved[i] as number;
      if (value === 0) continue;
      for (let j = 0; j <= i; j++) {
        products[i * dimension + j] = (products[i * dimension + j] as number) + value * (moved[j] as number);
      }
    }
  }

  /** Mean of all vectors, [D]. */
  mean(): Float64Array {
    const { classes, dimension, sums, count } = this;
    return Float64Array.from({ length: dimension }, (_, axis) => {
      let sum = 0;
      for (let label = 0; label < classes; label++) sum += sums[label * dimension + axis] as number;
      return sum / count + (this.shift?.[axis] ?? 0);
    });
  }

  /** Means by class, [K, D]; NaN for a class without vectors. */
  classMeans(): Float64Array {
    const { dimension, sums, counts } = this;
    return sums.map((sum, at) => {
      const label = Math.floor(at / dimension);
      return sum / (counts[label] as number) + (this.shift?.[at % dimension] ?? 0);
    });
  }

  /** Covariance of all vectors about their mean, divided by their number, [D, D]. */
  covariance(): Float64Array {
    const mean = this.mean().map((value, axis) => value - (this.shift?.[axis] ?? 0));
    return this.scatter((i, j) => this.count * (mean[i] as number) * (mean[j] as number));
  }

  /** Covariance of all vectors about the means of their classes, divided by their number, [D, D]. */
  withinCovariance(): Float64Array {
    const { classes, dimension, counts, sums } = this;
    return this.scatter((i, j) => {
      let between = 0;
      for (let label = 0; label < classes; label++) {
        const row = label * dimension;
        const count = counts[label] as number;
        if (count > 0) between += ((sums[row + i] as number) * (sums[row + j] as number)) / count;
      }
      return between;
    });
  }

  private scatter(less: (i: number, j: number) => number): Float64Array {
    const { dimension, products, count } = this;
    const result = new Float64Array(dimension * dimension);
    for (let i = 0; i < dimension; i++) {
      for (let j = 0; j <= i; j++) {
        const value = ((products[i * dimension + j] as number) - less(i, j)) / count;
        result[i * dimension + j] = value;
        result[j * dimension + i] = value;
      }
    }
    return result;
  }
}
