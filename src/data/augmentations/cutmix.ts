import { ShapeError } from "../../errors.js";
import type { Generator } from "../random.js";
import type { ImageBatch } from "../types.js";
import { imageSize } from "../types.js";
import { betaSample } from "./beta.js";

export interface CutmixOptions {
  /** Images that a box is cut from, one for each background; the mixed images keep their labels or share them. */
  readonly foreground: ImageBatch;
  /** Images that the box is pasted onto, at the place where it was. */
  readonly background: ImageBatch;
  /** Both parameters of the Beta distribution; default 1, uniform. */
  readonly alpha?: number;
  readonly generator: Generator;
}

export interface CutmixBatch {
  /** As many images as there are backgrounds, bytes or floats as they were. */
  readonly batch: ImageBatch;
  /** Share of each mixed image's pixels that are foreground, float32 [N], in [0, 1]. */
  readonly foregroundShare: Float32Array;
}

/**
 * CutMix: a box of each foreground image is pasted onto a background. The box covers 1 - lambda of the image, lambda ~
 * Beta(alpha, alpha), its centre is uniform and it is cut off at the border, so the share is measured afterwards. Yun et al.,
 * "CutMix", ICCV 2019, there with both images from one batch; with images of rare classes onto outliers it is the augmentation
 * of EAT (Wei et al., AAAI 2024).
 *
 * Image i takes its numbers from `generator.fork(i)`: lambda, then the column and the row of the centre.
 *
 * @throws ShapeError unless both batches have the same number of images, shape and type
 */
export function cutmix({ foreground, background, alpha = 1, generator }: CutmixOptions): CutmixBatch {
  if (describe(foreground) !== describe(background)) {
    throw new ShapeError({
      where: "cutmix",
      expected: `a background for each foreground: ${describe(foreground)}`,
      received: describe(background),
    });
  }
  const { count, shape } = background;
  const [, height, width] = shape;
  const size = imageSize(shape);
  const data = background.data.slice();
  const foregroundShare = new Float32Array(count);
  for (let image = 0; image < count; image++) {
    const own = generator.fork(image);
    const side = Math.sqrt(1 - betaSample(own, alpha, alpha));
    const [left, right] = span(own, width, side);
    const [top, bottom] = span(own, height, side);
    for (let plane = image * size; plane < (image + 1) * size; plane += height * width) {
      for (let row = top; row < bottom; row++) {
        const start = plane + row * width;
        data.set(foreground.data.subarray(start + left, start + right), start + left);
      }
    }
    foregroundShare[image] = ((right - left) * (bottom - top)) / (height * width);
  }
  return { batch: { data, count, shape }, foregroundShare };
}

/** Start and end of the box along one side of the image. */
function span(generator: Generator, length: number, share: number): readonly [number, number] {
  const half = Math.floor(Math.trunc(length * share) / 2);
  const centre = generator.integer(length);
  return [Math.max(0, centre - half), Math.min(length, centre + half)];
}

function describe({ count, shape, data }: ImageBatch): string {
  return `${count} images of ${shape.join(" x ")} in ${data instanceof Uint8Array ? "bytes" : "floats"}`;
}
