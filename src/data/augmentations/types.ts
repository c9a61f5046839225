import { ShapeError } from "../../errors.js";
import type { Generator } from "../random.js";
import type { ImageBatch } from "../types.js";

/**
 * Changes images at random before they are normalized. Image i of the batch takes its numbers from `generator.fork(i)`, so
 * what happens to one does not depend on the others; `augment` alone, which is older, draws for one image after the other.
 *
 * @returns a new batch of the same shape; the given one is left alone
 */
export type Augmentation = (batch: ImageBatch, generator: Generator) => ImageBatch;

/** A batch of colour images as bytes, which is what operations on grey levels are defined for. */
export interface ByteBatch extends ImageBatch {
  readonly data: Uint8Array;
}

/**
 * @param what  who asks, for the message
 * @throws ShapeError for floats, and for another number of channels than 3
 */
export function requireRgbBytes(batch: ImageBatch, what: string): ByteBatch {
  const [channels] = batch.shape;
  const { data } = batch;
  if (data instanceof Uint8Array && channels === 3) return { ...batch, data };
  throw new ShapeError({
    where: what,
    expected: "images of 3 channels, in bytes",
    received: `${channels} channels, in ${data instanceof Uint8Array ? "bytes" : "floats"}`,
    hint: "leave this augmentation out for such images",
  });
}

/** Lets `change` work in place on a copy of every image: its planes, red, green and blue. */
export function changeEach(
  batch: ByteBatch,
  generator: Generator,
  change: (rgb: Uint8Array, generator: Generator) => void,
): ImageBatch {
  const data = batch.data.slice();
  const size = data.length / batch.count;
  for (let image = 0; image < batch.count; image++) {
    change(data.subarray(image * size, (image + 1) * size), generator.fork(image));
  }
  return { data, count: batch.count, shape: batch.shape };
}
