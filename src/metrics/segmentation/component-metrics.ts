import { DataError, OptionError } from "../../errors.js";
import { checkPixels } from "../pixels/check-pixels.js";
import { componentOverlap, type MinimumSizes } from "./component-overlap.js";
import { checkWidth } from "./connected-components.js";

/** Smallest components that count on each track of SegmentMeIfYouCan, in pixels of its images; from the benchmark's public code. */
export const componentTracks = {
  anomaly: { truth: 100, prediction: 500 },
  obstacle: { truth: 10, prediction: 50 },
} as const satisfies Record<string, MinimumSizes>;

/** τ of the averaged F1: 0.25 to 0.75 in steps of 0.05, rounded as NumPy's `linspace(0.25, 0.75, 11)`. */
export const f1Levels: readonly number[] = Array.from({ length: 11 }, (_, step) => 0.25 + step * 0.05);

/** Metrics over the components of all images, as fractions in [0, 1]. */
export interface ComponentResults {
  /** Mean sIoU over the true components. */
  readonly siou: number;
  /** Mean PPV over the predicted components; NaN where none is predicted. */
  readonly ppv: number;
  /** F1 at each of {@link f1Levels}. */
  readonly f1: readonly number[];
  /** F1*: their mean. */
  readonly f1_mean: number;
  readonly n_components: number;
  readonly n_predicted: number;
}

export interface ComponentOptions {
  /** Pixels with at least this score are called outliers, as in a ranking; for example that of `bestF1`. */
  readonly threshold: number;
  /** Smallest components that count; the anomaly track's by default. */
  readonly minimum?: MinimumSizes;
}

/**
 * Component-level metrics of anomaly segmentation: not how many pixels, but how many objects are found. A true component counts as found (TP) at
 * level τ where its sIoU is at least τ and as missed (FN) else; a predicted one is a false alarm (FP) where its PPV is below τ;
 * F1(τ) = 2·TP / (2·TP + FN + FP), with the components of all images counted together. See `componentOverlap` for sIoU and PPV.
 *
 * Chan et al., "SegmentMeIfYouCan: A Benchmark for Anomaly Segmentation", NeurIPS 2021 datasets track. The benchmark's code calls pixels above the threshold
 * outliers, here those at it are among them, as everywhere in Offmap.
 */
export class ComponentMetrics {
  private readonly threshold: number;
  private readonly minimum: MinimumSizes;
  private readonly siou: number[] = [];
  private readonly ppv: number[] = [];
  private images = 0;

  /** @throws OptionError for a threshold that is NaN, or a minimum size that is not a whole number ≥ 0 */
  constructor({ threshold, minimum = componentTracks.anomaly }: ComponentOptions) {
    if (Number.isNaN(threshold)) {
      throw new OptionError({ where: "component metrics", expected: "a number as threshold", received: "NaN" });
    }
    for (const size of [minimum.truth, minimum.prediction]) {
      if (Number.isInteger(size) && size >= 0) continue;
      throw new OptionError({
        where: "component metrics",
        expected: "whole numbers ≥ 0 as smallest sizes",
        received: String(size),
      });
    }
    this.threshold = threshold;
    this.minimum = minimum;
  }

  /**
   * Adds one whole image.
   *
   * @param scores  float32 [H, W], higher for more OOD; those of void pixels may be anything
   * @param mask    uint8 [H, W]: 0 in-distribution, 1 outlier, else void
   * @param width   W
   * @param image   how the image is called in messages; by default `image i`, counted from 0
   * @throws ShapeError when the lengths differ or are no whole rows
   * @throws DataError when a pixel that counts has NaN or an infinity
   */
  add(scores: Float32Array, mask: Uint8Array, width: number, image = `image ${this.images}`): void {
    checkPixels(scores, mask, image);
    checkWidth(scores.length, width);
    const predicted = Uint8Array.from(scores, (score) => Number(score >= this.threshold));
    const { siou, ppv } = componentOverlap(mask, predicted, width, this.minimum);
    for (const value of siou) this.siou.push(value);
    for (const value of ppv) this.ppv.push(value);
    this.images++;
  }

  /** Whether a true component counts, and so there are results. */
  get hasResults(): boolean {
    return this.siou.length > 0;
  }

  /** @throws DataError when no true component counts */
  results(): ComponentResults {
    const { siou, ppv } = this;
    if (siou.length === 0) {
      throw new DataError({
        where: "component metrics",
        expected: `an outlier component of at least ${this.minimum.truth} pixels`,
        received: this.images === 0 ? "no image" : "none",
        hint: "smaller images need smaller minimum sizes",
      });
    }
    const f1 = f1Levels.map((level) => {
      const found = siou.filter((value) => value >= level).length;
      const falseAlarms = ppv.filter((value) => value < level).length;
      return (2 * found) / (found + siou.length + falseAlarms);
    });
    return {
      siou: mean(siou),
      ppv: mean(ppv),
      f1,
      f1_mean: mean(f1),
      n_components: siou.length,
      n_predicted: ppv.length,
    };
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
