import { DataError } from "../../errors.js";
import { type DetectionMetricName, type DetectionMetrics, detectionMetrics } from "../detection-metrics.js";
import type { PresetName } from "../presets.js";
import { checkPixels, inDistributionPixel, outlierPixel } from "./check-pixels.js";

/** Means over images, as fractions in [0, 1]. */
export interface MeanImageMetrics extends Readonly<Record<DetectionMetricName, number>> {
  /** Images that the means are over: those with pixels of both kinds. */
  readonly n_images: number;
  /** Images left out because all their valid pixels are of one kind. */
  readonly n_left_out: number;
}

/**
 * The per-image protocol of anomaly segmentation: the metrics of each image by itself, averaged over the images. Used by CAOS (Hendrycks et al., ICML
 * 2022). It gives other numbers than the pooled protocol of `PixelRanking`: every image counts alike, however many outlier
 * pixels it has, and no threshold need fit two images. A table must say which protocol it shows.
 */
export class PerImageMetrics {
  private readonly sums = { auroc: 0, aupr: 0, fpr95: 0 };
  private readonly preset: PresetName;
  private images = 0;
  private leftOut = 0;

  constructor({ preset }: { readonly preset: PresetName }) {
    this.preset = preset;
  }

  /**
   * Adds one whole image.
   *
   * @param scores  float32, one per pixel, higher for more OOD; those of void pixels may be anything
   * @param mask    uint8, one per pixel: 0 in-distribution, 1 outlier, else void
   * @param image   how the image is called in messages; by default `image i`, counted from 0
   * @returns the metrics of this image; undefined where it is left out
   * @throws ShapeError when the lengths differ
   * @throws DataError when a pixel that counts has NaN or an infinity
   */
  add(
    scores: Float32Array,
    mask: Uint8Array,
    image = `image ${this.images + this.leftOut}`,
  ): DetectionMetrics | undefined {
    const { id, ood } = checkPixels(scores, mask, image);
    if (id === 0 || ood === 0) {
      this.leftOut++;
      return undefined;
    }
    const ofKind = (kind: number) => scores.filter((_, index) => mask[index] === kind);
    const metrics = detectionMetrics(ofKind(inDistributionPixel), ofKind(outlierPixel), { preset: this.preset });
    for (const name of ["auroc", "aupr", "fpr95"] as const) this.sums[name] += metrics[name];
    this.images++;
    return metrics;
  }

  /** Whether there is an image with pixels of both kinds, and so a mean. */
  get hasMean(): boolean {
    return this.images > 0;
  }

  /** @throws DataError when no image has pixels of both kinds */
  mean(): MeanImageMetrics {
    const { sums, images, leftOut } = this;
    if (images === 0) {
      throw new DataError({
        where: "metrics per image",
        expected: "an image with in-distribution and outlier pixels",
        received: leftOut === 0 ? "no image" : `${leftOut} with one kind only`,
      });
    }
    return {
      auroc: sums.auroc / images,
      aupr: sums.aupr / images,
      fpr95: sums.fpr95 / images,
      n_images: images,
      n_left_out: leftOut,
    };
  }
}
