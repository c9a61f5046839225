import { DataError } from "../../errors.js";
import { halfBits, halfSize, lowerHalf, wordOf } from "../counting.js";
import type { Ranking } from "../ranking.js";
import { checkPixels, inDistributionPixel, outlierPixel } from "./check-pixels.js";
import { Piles } from "./piles.js";

/** Counts in a ranking are uint32. */
const mostPixels = 2 ** 32 - 1;
/** Thresholds of 1.5 GiB, 12 bytes each. */
const defaultMaxThresholds = 2 ** 27;

/**
 * The pooled protocol of anomaly segmentation: all valid pixels of all images in one ranking, exact with ties, without keeping the maps.
 * Used by Fishyscapes (Blum et al., IJCV 2021), PEBAL (Tian et al., ECCV 2022) and Balanced Energy (Choi et al., CVPR 2023).
 *
 * Memory: see {@link Piles} for what is kept per pixel, at most 4 bytes, and {@link PixelRanking.ranking} for the result. The order of the images, and how they
 * are cut into pieces, changes nothing.
 *
 * @example
 *   const pixels = new PixelRanking();
 *   for (const { scores, mask, file } of images) pixels.add(scores, mask, file);
 *   const { auroc, aupr, fpr95 } = presetMetrics("official");
 *   auroc(pixels.ranking());
 */
export class PixelRanking {
  private readonly id = new Piles();
  private readonly ood = new Piles();
  private images = 0;
  private idTotal = 0;
  private oodTotal = 0;

  /**
   * Adds the pixels of an image, or of a part of one. An image that is refused leaves everything as it was.
   *
   * @param scores  float32, one per pixel, higher for more OOD; those of void pixels may be anything
   * @param mask    uint8, one per pixel: 0 in-distribution, 1 outlier, else void
   * @param image   how the image is called in messages; by default `image i`, counted from 0
   * @throws ShapeError when the lengths differ
   * @throws DataError when a pixel that counts has NaN or an infinity, or with the 2^32nd pixel
   */
  add(scores: Float32Array, mask: Uint8Array, image = `image ${this.images}`): void {
    const counts = checkPixels(scores, mask, image);
    const total = this.idTotal + this.oodTotal + counts.id + counts.ood;
    if (total > mostPixels) {
      throw new DataError({ where: image, expected: `at most ${mostPixels} pixels in all`, received: String(total) });
    }
    if (counts.id > 0) this.id.add(scores, mask, inDistributionPixel);
    if (counts.ood > 0) this.ood.add(scores, mask, outlierPixel);
    this.idTotal += counts.id;
    this.oodTotal += counts.ood;
    this.images++;
  }

  /**
   * The ranking of all pixels so far, equal to `rankScores` of the scores of either kind. More may be added after it.
   *
   * It takes 12 bytes per distinct score. Where there are more than `maxThresholds` of these, neighbouring thresholds without an outlier pixel
   * are joined into the lowest of them, which leaves at most twice as many thresholds as outlier pixels have distinct scores, and one.
   * A metric takes something from a threshold only where outlier pixels have that score, and else only moves on, so every metric, rule and ROC corner
   * stays what it was.
   *
   * @param maxThresholds  2^27 by default
   * @throws DataError when there are no pixels of one kind
   */
  ranking({ maxThresholds = defaultMaxThresholds }: { readonly maxThresholds?: number } = {}): Ranking {
    const { id, ood, idTotal, oodTotal } = this;
    for (const [name, count] of [
      ["in-distribution pixels", idTotal],
      ["outlier pixels", oodTotal],
    ] as const) {
      if (count === 0) throw new DataError({ where: name, expected: "at least one", received: "none" });
    }
    let bound = 0;
    for (let pile = 0; pile < halfSize; pile++) bound += pileBound(id, ood, pile);
    const thresholds = new Thresholds(Math.min(bound, Math.max(maxThresholds, 2 * oodTotal + 1) + halfSize));
    let joined = false;
    for (let pile = lowerHalf; pile >= 0; pile--) {
      if (pileBound(id, ood, pile) === 0) continue;
      const start = thresholds.length;
      thresholds.append(pile, id.take(pile), ood.take(pile));
      id.giveBack(pile);
      ood.giveBack(pile);
      if (joined) thresholds.join(start);
      else if (thresholds.length > maxThresholds) {
        thresholds.join(0);
        joined = true;
      }
    }
    return { ...thresholds.counts(), idTotal, oodTotal };
  }
}

const pileBound = (id: Piles, ood: Piles, pile: number) =>
  Math.min(id.distinctBound(pile) + ood.distinctBound(pile), halfSize);

/** The result, pile by pile, highest first. Memory that is never written is never taken. */
class Thresholds {
  length = 0;
  private readonly words: Uint32Array<ArrayBuffer>;
  private readonly idCounts: Uint32Array;
  private readonly oodCounts: Uint32Array;

  constructor(capacity: number) {
    this.words = new Uint32Array(capacity);
    this.idCounts = new Uint32Array(capacity);
    this.oodCounts = new Uint32Array(capacity);
  }

  append(pile: number, inId: Uint32Array, inOod: Uint32Array): void {
    this.length = appendFound(this.words, this.idCounts, this.oodCounts, this.length, pile, inId, inOod);
  }

  /** Joins neighbours without an outlier pixel, from a place on and with the threshold before it. */
  join(from: number): void {
    const { words, idCounts, oodCounts } = this;
    let last = from - 1;
    for (let index = from; index < this.length; index++) {
      const id = idCounts[index] as number;
      const ood = oodCounts[index] as number;
      if (last >= 0 && ood === 0 && oodCounts[last] === 0) {
        idCounts[last] = (idCounts[last] as number) + id;
      } else {
        last++;
        idCounts[last] = id;
        oodCounts[last] = ood;
      }
      words[last] = words[index] as number;
    }
    this.length = last + 1;
  }

  counts(): Pick<Ranking, "thresholds" | "idCounts" | "oodCounts"> {
    return {
      thresholds: new Float32Array(this.words.buffer, 0, this.length),
      idCounts: this.idCounts.subarray(0, this.length),
      oodCounts: this.oodCounts.subarray(0, this.length),
    };
  }
}

/** A function of its own, because V8 gave up on the same loop as a method and took four times as long. */
function appendFound(
  words: Uint32Array,
  idCounts: Uint32Array,
  oodCounts: Uint32Array,
  length: number,
  pile: number,
  inId: Uint32Array,
  inOod: Uint32Array,
): number {
  let at = length;
  for (let half = lowerHalf; half >= 0; half--) {
    const id = inId[half] as number;
    const ood = inOod[half] as number;
    if ((id | ood) === 0) continue;
    words[at] = wordOf((pile << halfBits) | half);
    idCounts[at] = id;
    oodCounts[at] = ood;
    at++;
  }
  return at;
}
