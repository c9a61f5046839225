/** Float64 arithmetic on rows of numbers, for fits. */
import { DataError } from "../../errors.js";
import { argmax } from "../../metrics/accuracy.js";
import type { Rows } from "./fit-data.js";

/** exp(x) / Σ exp(x) */
export function softmax(logits: Float32Array): Float64Array {
  const top = logits.reduce((max, logit) => Math.max(max, logit));
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/**
 * The value below which a share of all values lies, interpolated linearly between neighbours as numpy.percentile does.
 *
 * @param percent  in [0, 100]
 */
export function percentile<Values extends Float32Array | Float64Array>(values: Values, percent: number): number {
  const sorted = values.slice().sort();
  const place = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(place);
  const [low, high] = [sorted[below] as number, sorted[Math.ceil(place)] as number];
  return low + (high - low) * (place - below);
}

/** Views of the features and logits of each image, its label and its predicted class. */
export function* images({ count, features, logits, labels }: Rows) {
  const [dimension, classes] = [features.length / count, logits.length / count];
  const predictions = argmax(logits, classes);
  for (let image = 0; image < count; image++) {
    yield {
      features: features.subarray(image * dimension, (image + 1) * dimension),
      logits: logits.subarray(image * classes, (image + 1) * classes),
      label: labels[image] as number,
      predicted: predictions[image] as number,
    };
  }
}

/** Means by class [K, D] of vectors that are added one by one. */
export class ClassMeans {
  private readonly counts: Float64Array;
  private readonly sums: Float64Array;

  constructor(
    classes: number,
    private readonly dimension: number,
  ) {
    this.counts = new Float64Array(classes);
    this.sums = new Float64Array(classes * dimension);
  }

  add(vector: ArrayLike<number>, label: number): void {
    const start = label * this.dimension;
    for (let axis = 0; axis < this.dimension; axis++) {
      this.sums[start + axis] = (this.sums[start + axis] as number) + (vector[axis] as number);
    }
    this.counts[label] = (this.counts[label] as number) + 1;
  }

  /**
   * @param needed  what a class should have, for example "an image that the model predicts as class"
   * @throws DataError for a class without vectors
   */
  means(score: string, needed: string): Float64Array {
    const empty = this.counts.indexOf(0);
    if (empty >= 0) {
      throw new DataError({
        where: `${score} score`,
        expected: `${needed} ${empty}`,
        received: "none in the sample that the score is fitted to",
        hint: "fit to more images of this class, or use another score",
      });
    }
    return this.sums.map((sum, at) => sum / (this.counts[Math.floor(at / this.dimension)] as number));
  }
}
