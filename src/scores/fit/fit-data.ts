/** What scores are fitted to: sums over all images of an in-distribution set and a bounded sample of the images, from one pass over them. */
import type { Generator } from "../../data/random.js";
import { DataError } from "../../errors.js";
import type { Head } from "../types.js";
import { Moments } from "./moments.js";

/** Rows of features, logits and labels. */
export interface Rows {
  readonly count: number;
  /** [count, D] */
  readonly features: Float32Array;
  /** [count, K] */
  readonly logits: Float32Array;
  /** [count]; class indices */
  readonly labels: Int32Array;
}

/** Everything a fit may read. */
export interface FitData {
  readonly head: Head;
  /** Images seen. */
  readonly images: number;
  /** Of the features z, by class, over all images. */
  readonly features: Moments;
  /** Of the directions z/|z|, by class, over all images. */
  readonly directions: Moments;
  /** Images drawn uniformly, all of them where there are no more than the limit, in their order then. */
  readonly sample: Rows;
}

/** Gathers {@link FitData} batch by batch. Memory: two D x D matrices, and `limit` rows. */
export class FitCollector {
  private readonly features: Moments;
  private readonly directions: Moments;
  private readonly kept: { features: Float32Array; logits: Float32Array; labels: Int32Array };
  private images = 0;

  /**
   * @param limit      most images that are kept as rows; 50,000 by default
   * @param generator  draws them
   */
  constructor(
    private readonly head: Head,
    private readonly generator: Generator,
    private readonly limit = 50_000,
  ) {
    const { classes, dimension } = head;
    this.features = new Moments(classes, dimension);
    this.directions = new Moments(classes, dimension);
    this.kept = {
      features: new Float32Array(limit * dimension),
      logits: new Float32Array(limit * classes),
      labels: new Int32Array(limit),
    };
  }

  add({ count, features, logits, labels }: Rows): void {
    const { classes, dimension } = this.head;
    const direction = new Float64Array(dimension);
    for (let row = 0; row < count; row++) {
      const z = features.subarray(row * dimension, (row + 1) * dimension);
      const label = labels[row] as number;
      const length = Math.hypot(...z);
      for (let axis = 0; axis < dimension; axis++) direction[axis] = length === 0 ? 0 : (z[axis] as number) / length;
      this.features.add(z, label);
      this.directions.add(direction, label);
      const place = this.placeOf(this.images++);
      if (place === undefined) continue;
      this.kept.features.set(z, place * dimension);
      this.kept.logits.set(logits.subarray(row * classes, (row + 1) * classes), place * classes);
      this.kept.labels[place] = label;
    }
  }

  /** @throws DataError when no image was added */
  data(): FitData {
    if (this.images === 0) {
      throw new DataError({ where: "fit", expected: "at least one in-distribution image", received: "none" });
    }
    const { classes, dimension } = this.head;
    const count = Math.min(this.images, this.limit);
    const { features, logits, labels } = this.kept;
    const sample = {
      count,
      features: features.subarray(0, count * dimension),
      logits: logits.subarray(0, count * classes),
      labels: labels.subarray(0, count),
    };
    return { head: this.head, images: this.images, features: this.features, directions: this.directions, sample };
  }

  /** Reservoir sampling: every image so far is kept with the same probability (Vitter, ACM TOMS 1985, algorithm R). */
  private placeOf(image: number): number | undefined {
    if (image < this.limit) return image;
    const place = this.generator.integer(image + 1);
    return place < this.limit ? place : undefined;
  }
}
