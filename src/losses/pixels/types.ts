import type { Expr } from "../../ops/index.js";
import type { Ranges } from "../ranges.js";

/** What a loss of a segmentation network is computed from. N images of H x W pixels, K classes, A abstention outputs. */
export interface PixelLossInputs {
  /** float32 [N, K + A, H, W]; abstention outputs come last. */
  readonly logits: Expr;
  /** K, the number of classes. */
  readonly classes: number;
  /** Class of each pixel, int64 [N, H, W]; outside [0, K) where the pixel belongs to none. */
  readonly labels: Expr;
  /** 1 for pixels of a class and 0 for all others, float32 [N, H, W]. */
  readonly inlier: Expr;
  /** 1 for outlier pixels and 0 for all others, float32 [N, H, W]. Void pixels are 0 in both. */
  readonly outlier: Expr;
  /** Share of each class among outlier pixels as the untouched model sees them, float32 [K], sums to 1. */
  readonly prior: Expr;
  /** Output of a head beside the classes: inlier, then outlier, float32 [N, 2, H, W]; present for a loss with `outlierHead`. */
  readonly outlierLogits?: Expr;
}

/** A whole loss of a segmentation network, the fit of the classes included. */
export interface PixelLossDefinition<Options extends object> {
  /** Name on the command line. */
  readonly name: string;
  readonly title: string;
  /** Paper, year and equation. */
  readonly source: string;
  readonly defaults: Options;
  /** Where options must lie, as far as that does not depend on the number of classes. */
  readonly ranges?: Ranges<Options>;
  /** Score that goes with the loss: what it shapes is what should be read. */
  readonly score: string;
  /** Its options `mIn` and `mOut` are energies that must fit the model at hand. */
  readonly hasMargins: boolean;
  /** Whether the prior of the outlier pixels is used. */
  readonly usesPrior: boolean;
  /** Whether there must be outlier pixels to learn from; default: yes, whatever the options. */
  readonly needsOutliers?: (options: Options) => boolean;
  /** Outputs of the network beyond the classes; default 0. */
  readonly abstentionClasses?: number;
  /** The network needs a head of its own that tells outliers. */
  readonly outlierHead?: true;
  /**
   * A batch may hold no outlier pixel, or nothing else, or only void: the terms of what it lacks are then 0, never NaN.
   *
   * @returns scalar float32
   */
  expression(inputs: PixelLossInputs, options: Options): Expr;
}

export const definePixelLoss = <Options extends object>(
  definition: PixelLossDefinition<Options>,
): PixelLossDefinition<Options> => definition;
