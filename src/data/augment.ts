import type { Generator } from "./random.js";
import type { ImageBatch } from "./types.js";
import { imageSize } from "./types.js";

/** Black pixels added at every side before the crop. */
const padding = 4;

/**
 * The augmentation of the CIFAR literature: pad by 4 black pixels, crop a random window of the original size, mirror half of
 * the images. It works on pixel values, before normalization, as torchvision's `RandomCrop(32, padding=4)` and
 * `RandomHorizontalFlip()` do on PIL images; so the border is black, not the mean colour.
 *
 * Each image takes three numbers from the generator, in this order: top, left, mirrored.
 *
 * @returns a new batch; the given one is left alone
 */
export function augment(batch: ImageBatch, generator: Generator): ImageBatch {
  const [channels, height, width] = batch.shape;
  const source = batch.data;
  const size = imageSize(batch.shape);
  const target = source instanceof Uint8Array ? new Uint8Array(source.length) : new Float32Array(source.length);
  for (let image = 0; image < batch.count; image++) {
    // Offset of the window in the unpadded image, from -padding to +padding.
    const top = generator.integer(2 * padding + 1) - padding;
    const left = generator.integer(2 * padding + 1) - padding;
    const mirrored = generator.integer(2) === 1;
    const firstRow = Math.max(0, -top);
    const endRow = Math.min(height, height - top);
    const firstColumn = Math.max(0, -left);
    const endColumn = Math.min(width, width - left);
    for (let channel = 0; channel < channels; channel++) {
      const plane = image * size + channel * height * width;
      for (let row = firstRow; row < endRow; row++) {
        const to = plane + row * width;
        const from = plane + (row + top) * width + left;
        if (mirrored) {
          const last = to + width - 1;
          for (let column = firstColumn; column < endColumn; column++)
            target[last - column] = source[from + column] as number;
        } else {
          for (let column = firstColumn; column < endColumn; column++)
            target[to + column] = source[from + column] as number;
        }
      }
    }
  }
  return { data: target, count: batch.count, shape: batch.shape };
}
