import { DataError, ShapeError } from "../../errors.js";
import { bitsOf } from "../counting.js";

/** Value of a mask at an in-distribution pixel. */
export const inDistributionPixel = 0;
/** Value of a mask at an outlier pixel. Pixels of any other value are void and take no part in a metric. */
export const outlierPixel = 1;

export interface PixelCounts {
  readonly id: number;
  readonly ood: number;
}

/** A float32 that is NaN or an infinity has all of these bits. */
const exponentBits = 0x7f800000;

/**
 * Refuses a map that cannot be ranked, and counts its pixels of either kind.
 *
 * @param scores  float32, one per pixel; those of void pixels may be anything
 * @param mask    uint8, one per pixel: 0 in-distribution, 1 outlier, else void
 * @param image   how the image is called in messages, for example its file
 * @throws ShapeError when the lengths differ
 * @throws DataError when a pixel that counts has NaN or an infinity
 */
export function checkPixels(scores: Float32Array, mask: Uint8Array, image: string): PixelCounts {
  if (scores.length !== mask.length) {
    throw new ShapeError({
      where: image,
      expected: `a mask of ${scores.length} pixels, one per score`,
      received: String(mask.length),
    });
  }
  const words = bitsOf(scores);
  let ood = 0;
  let valid = 0;
  let bad = 0;
  let firstBad = -1;
  for (let index = 0; index < words.length; index++) {
    const kind = mask[index] as number;
    if (kind > outlierPixel) continue;
    valid++;
    ood += kind;
    if (((words[index] as number) & exponentBits) !== exponentBits) continue;
    if (bad++ === 0) firstBad = index;
  }
  if (bad > 0) {
    throw new DataError({
      where: image,
      expected: "finite scores",
      received: `${bad} of ${valid} pixels not finite, the first at index ${firstBad} (${scores[firstBad]})`,
      hint: "the model or its input overflowed; look at this image",
    });
  }
  return { id: valid - ood, ood };
}
