import type { Size } from "../../../data/index.js";
import type { Expr } from "../../../ops/index.js";
import type { Moments } from "../../../scores/fit/moments.js";
import type { Fitted, Rows, ScoreOptions } from "../../../scores/index.js";
import type { LayerFlows } from "../flow/layer-flows.js";

/** What the score of a pixel is computed from. N images, K classes, maps of H x W pixels. */
export interface PixelScoreInputs {
  /** Of the classes, float32 [N, K, H, W]. */
  readonly logits: Expr;
  /** Of the classes and of what the model abstains with, as the losses see them, float32 [N, K + A, H, W]. */
  readonly allLogits: Expr;
  /** H and W: the size of the map wanted. */
  readonly size: Size;
  /** What goes into the last layer, at its own size, float32 [N, D, h, w]; there for scores that use it. */
  readonly features?: Expr;
  /** Tensors of the network at their own sizes, float32 [N, D, h, w] each, in the order in which they were fitted; there for scores that use them. */
  readonly layers?: readonly Expr[];
  /** Inlier, then outlier, float32 [N, 2, H, W]; there for scores that use it. */
  readonly outlierLogits?: Expr;
  /** Logits [1, K, H, W] of thinned copies of the network, for one image; there for scores that use them. */
  readonly samples?: readonly Expr[];
}

/** What a fit of pixels can read; only what is wanted is gathered. */
export interface PixelFitData {
  /** Of the maximum logit, by predicted class. */
  readonly maxLogits: readonly MaxLogitMoments[];
  /** Of the features of each class, [K]; one group each. */
  readonly classMoments: readonly Moments[];
  /** Pixels drawn evenly from all images: their logits of the classes, and their labels; no features. */
  readonly labelled: Rows;
  /** Features drawn uniformly from all positions, [count, D] row by row. */
  readonly bank: { readonly features: Float32Array; readonly dimension: number };
  /** Pixels drawn evenly from all images, with their features at every layer wanted, and what trains densities of them. The last layer is that of `features`, where scores use it. */
  readonly flows: LayerFlows;
}

export interface MaxLogitMoments {
  readonly count: number;
  readonly mean: number;
  /** Divided by the count. */
  readonly variance: number;
}

export type PixelFitPart = keyof PixelFitData;

/** A score of every pixel of an image. Higher means more out-of-distribution. */
export interface PixelScoreDefinition<
  Options extends ScoreOptions = ScoreOptions,
  Part extends PixelFitPart = PixelFitPart,
> {
  /** Name on the command line. */
  readonly name: string;
  readonly title: string;
  /** Paper and year. */
  readonly source: string;
  /** What it needs of the model beside the logits of the classes: outputs beyond them (`abstention`), a second head, the map before the last layer, maps of several layers, or Dropout nodes. */
  readonly uses: readonly ("abstention" | "outlier-head" | "features" | "layers" | "dropout")[];
  /** What of the in-distribution data its fit reads; absent where there is no fit. */
  readonly reads?: readonly Part[];
  /** Whether its fit looks at outliers too; default false. */
  readonly fitsOutliers?: boolean;
  readonly defaults: Options;
  /** @throws OptionError for options out of their range */
  check?(options: Options): void;
  /** Finds the constants; absent where there are none. Float64 throughout, but for what is trained. */
  fit?(data: Pick<PixelFitData, Part>, options: Options): Fitted | Promise<Fitted>;
  /** @returns float32 [N, H, W] */
  expression(inputs: PixelScoreInputs, options: Options, fitted: Fitted): Expr;
}

/** Keeps the type of a score's own options while it is written. */
export const definePixelScore = <Options extends ScoreOptions, Part extends PixelFitPart = never>(
  definition: PixelScoreDefinition<Options, Part>,
): PixelScoreDefinition<Options, Part> => definition;
