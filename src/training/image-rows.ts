/** Parts of a batch of images, put together and mixed. */
import { type Generator, type ImageBatch, imageSize, mixup } from "../data/index.js";
import { ShapeError } from "../errors.js";
import type { Tensor } from "../onnx/types.js";
import { stepInputs } from "./step-inputs.js";

/** The in-distribution images followed by the outliers, as one batch. */
export function joinImages(first: ImageBatch, second: ImageBatch | undefined): ImageBatch {
  if (second === undefined) return first;
  if (first.data instanceof Uint8Array !== second.data instanceof Uint8Array) {
    throw new ShapeError({
      where: "--outliers",
      expected: "the same kind of pixels as the in-distribution images",
      received: "bytes on one side and floats on the other",
      hint: "store both sets as bytes or both as floats in [0, 1]",
    });
  }
  const Data = first.data.constructor as Uint8ArrayConstructor;
  const data = new Data(first.data.length + second.data.length);
  data.set(first.data);
  data.set(second.data, first.data.length);
  return { data, count: first.count + second.count, shape: first.shape };
}

/** Images `start` to `end` of a batch; they share its memory. */
export function partOf({ data, shape }: ImageBatch, start: number, end: number): ImageBatch {
  const size = imageSize(shape);
  return { data: data.subarray(start * size, end * size), count: end - start, shape };
}

/** Some images of a batch. */
export function pickedImages({ data, shape }: ImageBatch, rows: readonly number[]): ImageBatch {
  const size = imageSize(shape);
  const picked = new (data.constructor as Uint8ArrayConstructor)(rows.length * size);
  for (const [place, row] of rows.entries()) picked.set(data.subarray(row * size, (row + 1) * size), place * size);
  return { data: picked, count: rows.length, shape };
}

export const countOf = (parts: readonly ImageBatch[]): number => parts.reduce((sum, { count }) => sum + count, 0);

/** In-distribution images after mixup, and what the loss needs to know of it. */
export function mixImages(images: ImageBatch, labels: Int32Array, alpha: number, generator: Generator) {
  const { batch, partners, lambda } = mixup({ batch: images, labels, alpha, generator });
  const partnerLabels = BigInt64Array.from(partners, BigInt);
  const feeds: Readonly<Record<string, Tensor>> = {
    [stepInputs.partnerLabels]: { dtype: "int64", dims: [partners.length], data: partnerLabels },
    [stepInputs.ownShare]: {
      dtype: "float32",
      dims: [partners.length],
      data: new Float32Array(partners.length).fill(lambda),
    },
  };
  return { batch, feeds };
}
