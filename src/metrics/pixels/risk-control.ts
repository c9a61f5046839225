/**
 * A threshold for pixels with a guarantee over images (conformal risk control). Pixels of one image are not exchangeable with each other, as neighbours look
 * alike and a strange image is strange in many places; images are. So the loss is that of an image: the share of its in-distribution pixels that are
 * flagged, in [0, 1], which falls as the threshold rises. For n calibration images and one more that is exchangeable with them, the lowest threshold t with
 *
 *   ( Σ_i share_i(t) + 1 ) / (n + 1) ≤ α
 *
 * keeps the expected share of the new image at or below α, whatever the model and however its scores are distributed.
 *
 * Angelopoulos, Bates, Fisch, Lei and Schuster, "Conformal Risk Control", ICLR 2024, theorem 1 with B = 1.
 */
import { DataError, OptionError } from "../../errors.js";
import { fewestScores } from "../conformal.js";
import { bitsOf, floatOf, keyOf } from "../counting.js";
import { checkPixels, inDistributionPixel } from "./check-pixels.js";

export interface PixelThreshold {
  /** A float32. A pixel is flagged when its score is at least this. */
  readonly threshold: number;
  /** The expected share asked for, in (0, 1). */
  readonly alpha: number;
  /** n, calibration images. */
  readonly count: number;
  /** Mean over the calibration images of the share of flagged pixels, at most alpha - (1 - alpha)/n. */
  readonly share: number;
}

/** Thresholds are numbers that leave out the last bits of a float32; theorem 1 holds for any set of thresholds that is fixed beforehand. */
const droppedBits = 10;
/** Level of minus infinity, which no score has. */
const belowAll = keyOf(bitsOf(Float32Array.of(Number.NEGATIVE_INFINITY))[0] as number) >>> droppedBits;

/**
 * Finds that threshold in one pass over the images, in memory that does not grow with them. It is the lowest one of a grid on which neighbours differ by
 * at most 1/8192 of their size: no lower than the exact one, so the guarantee holds, and at most that much higher. What is kept is a number per
 * occupied place of the grid, of which there are 8192 per power of two.
 */
export class PixelRisk {
  /** By level: sum over images of the share of the image's pixels. */
  private readonly shares = new Map<number, number>();
  private images = 0;

  /**
   * Adds a whole image. One without an in-distribution pixel counts as an image without a false alarm.
   *
   * @param scores  float32, one per pixel, higher for more OOD
   * @param mask    uint8, one per pixel: 0 in-distribution; others are left out
   * @param image   how the image is called in messages
   * @throws ShapeError when the lengths differ
   * @throws DataError when a pixel that counts has NaN or an infinity
   */
  add(scores: Float32Array, mask: Uint8Array, image = `image ${this.images}`): void {
    const { id } = checkPixels(scores, mask, image);
    const words = bitsOf(scores);
    const levels = new Uint32Array(id);
    let at = 0;
    for (let index = 0; index < words.length; index++) {
      if (mask[index] === inDistributionPixel) levels[at++] = keyOf(words[index] as number) >>> droppedBits;
    }
    levels.sort();
    for (let start = 0, end = 0; start < id; start = end) {
      const level = levels[start] as number;
      while (levels[end] === level) end++;
      this.shares.set(level, (this.shares.get(level) ?? 0) + (end - start) / id);
    }
    this.images++;
  }

  /**
   * @param alpha  expected share of flagged pixels, in (0, 1)
   * @throws OptionError for an alpha outside (0, 1)
   * @throws DataError for fewer than ⌈1/alpha⌉ - 1 images: even without a flagged pixel in them, nothing could be promised
   */
  threshold(alpha: number): PixelThreshold {
    if (!(alpha > 0 && alpha < 1)) {
      throw new OptionError({ where: "calibration", expected: "a share in (0, 1)", received: String(alpha) });
    }
    const { images: count, shares } = this;
    requireImages(count, alpha);
    let sum = 0;
    let refused = belowAll;
    for (const [level, share] of [...shares].sort(([a], [b]) => b - a)) {
      if ((sum + share + 1) / (count + 1) > alpha) {
        refused = level;
        break;
      }
      sum += share;
    }
    return { threshold: floatOf((refused + 1) << droppedBits), alpha, count, share: sum / count };
  }
}

/** @throws DataError for too few images, which says how many are needed */
function requireImages(count: number, alpha: number): void {
  const needed = fewestScores(alpha);
  if (count >= needed) return;
  throw new DataError({
    where: "calibration images",
    expected: `at least ${needed} for a rate of ${alpha}`,
    received: String(count),
    hint: "give more held-out in-distribution images, or allow a higher rate",
  });
}

/** The next float32 above a finite one: `score > value` and `score >= nextAbove(value)` are the same for float32 scores. */
export const nextAbove = (value: number): number => floatOf(keyOf(bitsOf(Float32Array.of(value))[0] as number) + 1);
