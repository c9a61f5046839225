import { OptionError } from "../../errors.js";
import { bitsOf, floatOf, keyOf } from "../counting.js";
import { connectedComponents } from "../segmentation/connected-components.js";
import { checkPixels, inDistributionPixel } from "./check-pixels.js";

/**
 * The lowest level at which an image has no false alarm: of its in-distribution pixels with a score above it, no more than `pixels` hang together, at a side
 * or a corner. That an image has a false alarm is a loss of 0 or 1 that falls as the threshold rises, so these levels are scores of whole images, and
 * `conformalThreshold` of them is a threshold at which at most alpha of the images to come have a false alarm.
 *
 * Found by bisection over the 2^32 float32 numbers: the largest component only shrinks as the level rises.
 *
 * @param scores  float32 [H, W], higher for more OOD
 * @param mask    uint8 [H, W]: 0 in-distribution; other pixels count nowhere and join nothing
 * @param width   W
 * @param pixels  largest component that is no false alarm, from 0
 * @param image   how the image is called in messages
 * @returns one of the scores, or the lowest float32 for an image that has no false alarm at any level
 * @throws OptionError for a number of pixels below 0
 * @throws ShapeError when the sizes differ, DataError when a pixel that counts has NaN or an infinity
 */
export function alarmLevel(
  scores: Float32Array,
  mask: Uint8Array,
  width: number,
  pixels: number,
  image = "image",
): number {
  if (!(Number.isSafeInteger(pixels) && pixels >= 0)) {
    throw new OptionError({ where: "false alarms", expected: "a number of pixels from 0", received: String(pixels) });
  }
  const { id } = checkPixels(scores, mask, image);
  const keys = Uint32Array.from(bitsOf(scores), keyOf);
  const flagged = new Uint8Array(scores.length);
  const isQuiet = (level: number): boolean => {
    for (let index = 0; index < keys.length; index++) {
      flagged[index] = mask[index] === inDistributionPixel && (keys[index] as number) > level ? 1 : 0;
    }
    return largestComponent(flagged, width) <= pixels;
  };
  if (id <= pixels) return lowest;
  let [loud, quiet] = [lowestKey - 1, highestKey(keys, mask)];
  if (isQuiet(loud)) return lowest;
  while (quiet - loud > 1) {
    const middle = Math.floor((loud + quiet) / 2);
    if (isQuiet(middle)) quiet = middle;
    else loud = middle;
  }
  return floatOf(quiet);
}

/** Pixels of the largest 8-connected component of the pixels that are not 0, and 0 without any. */
export function largestComponent(flagged: Uint8Array, width: number): number {
  return connectedComponents(flagged, width)
    .sizes.subarray(1)
    .reduce((most, size) => Math.max(most, size), 0);
}

/** The lowest finite float32. */
const lowest = -3.4028234663852886e38;
const lowestKey = keyOf(bitsOf(Float32Array.of(lowest))[0] as number) >>> 0;

function highestKey(keys: Uint32Array, mask: Uint8Array): number {
  let highest = 0;
  for (let index = 0; index < keys.length; index++) {
    if (mask[index] === inDistributionPixel) highest = Math.max(highest, keys[index] as number);
  }
  return highest;
}
