/** A uniform sample of rows that come one after another, in bounded memory. */
import type { Generator } from "../../data/random.js";
import type { Head } from "../types.js";
import type { Rows } from "./fit-data.js";

export class Sample {
  private readonly kept: { features: Float32Array; logits: Float32Array; labels: Int32Array };
  private images = 0;

  constructor(
    private readonly head: Pick<Head, "classes" | "dimension">,
    private readonly generator: Generator,
    private readonly limit: number,
  ) {
    const { classes, dimension } = head;
    this.kept = {
      features: new Float32Array(limit * dimension),
      logits: new Float32Array(limit * classes),
      labels: new Int32Array(limit),
    };
  }

  add({ count, features, logits, labels }: Rows): void {
    const { classes, dimension } = this.head;
    for (let row = 0; row < count; row++) {
      const place = this.placeOf(this.images++);
      if (place === undefined) continue;
      this.kept.features.set(features.subarray(row * dimension, (row + 1) * dimension), place * dimension);
      this.kept.logits.set(logits.subarray(row * classes, (row + 1) * classes), place * classes);
      this.kept.labels[place] = labels[row] as number;
    }
  }

  /** Those that are kept: all of them where there are no more than the limit, in their order then. */
  rows(): Rows {
    const { classes, dimension } = this.head;
    const count = Math.min(this.images, this.limit);
    const { features, logits, labels } = this.kept;
    return {
      count,
      features: features.subarray(0, count * dimension),
      logits: logits.subarray(0, count * classes),
      labels: labels.subarray(0, count),
    };
  }

  /** Reservoir sampling: every image so far is kept with the same probability (Vitter, ACM TOMS 1985, algorithm R). */
  private placeOf(image: number): number | undefined {
    if (image < this.limit) return image;
    const place = this.generator.integer(image + 1);
    return place < this.limit ? place : undefined;
  }
}
