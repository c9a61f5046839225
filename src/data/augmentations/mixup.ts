import { ShapeError } from "../../errors.js";
import type { Generator } from "../random.js";
import type { ImageBatch } from "../types.js";
import { imageSize } from "../types.js";
import { betaSample } from "./beta.js";

export interface MixupOptions {
  readonly batch: ImageBatch;
  /** Class of each image. */
  readonly labels: Int32Array;
  /** Both parameters of the Beta distribution; default 1, uniform. Small values mostly keep one image. */
  readonly alpha?: number;
  readonly generator: Generator;
}

/** Mixed images; their loss is `lambda · loss(labels) + (1 - lambda) · loss(partners)`. */
export interface MixedBatch {
  /** Floats in [0, 1], NCHW. */
  readonly batch: ImageBatch & { readonly data: Float32Array };
  readonly labels: Int32Array;
  /** Class of the image mixed in. */
  readonly partners: Int32Array;
  /** Share of the image itself, in [0, 1]; one for the batch. */
  readonly lambda: number;
}

/**
 * Mixup: every image becomes `lambda · image + (1 - lambda) · another of the batch`, partners by a random permutation and
 * lambda ~ Beta(alpha, alpha). Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018; one lambda for the whole
 * batch, as in the authors' code.
 *
 * @throws ShapeError unless there is one label for each image, OptionError for an alpha that is not > 0
 */
export function mixup({ batch, labels, alpha = 1, generator }: MixupOptions): MixedBatch {
  if (labels.length !== batch.count) {
    throw new ShapeError({
      where: "mixup",
      expected: `${batch.count} labels, one for each image`,
      received: String(labels.length),
    });
  }
  const lambda = betaSample(generator.fork("lambda"), alpha, alpha);
  const order = generator.fork("partners").permutation(batch.count);
  const size = imageSize(batch.shape);
  const source = batch.data;
  const unit = source instanceof Uint8Array ? 255 : 1;
  const data = new Float32Array(source.length);
  for (let image = 0; image < batch.count; image++) {
    const own = image * size;
    const other = (order[image] as number) * size;
    for (let at = 0; at < size; at++) {
      const mixed = lambda * (source[own + at] as number) + (1 - lambda) * (source[other + at] as number);
      data[own + at] = mixed / unit;
    }
  }
  return {
    batch: { data, count: batch.count, shape: batch.shape },
    labels,
    partners: order.map((partner) => labels[partner] as number),
    lambda,
  };
}
