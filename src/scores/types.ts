import type { Tensor } from "../onnx/types.js";
import type { Expr } from "../ops/index.js";
import type { FitData, FitPart } from "./fit/fit-data.js";

/** The last layer of a classifier: logits = weight · features + bias. */
export interface Head {
  /** [K, D], row by row. */
  readonly weight: Float32Array;
  /** [K] */
  readonly bias: Float32Array;
  readonly classes: number;
  /** D, the number of features. */
  readonly dimension: number;
}

/** What a score is computed from. */
export interface ScoreInputs {
  /** Float [N, K] or [N, K, H, W]; axis 1 holds the classes. */
  readonly logits: Expr;
  /** What goes into the last layer, float [N, D]; there for scores that say so in `uses`. */
  readonly features?: Expr;
  /** There for scores that use features or the map. */
  readonly head?: Head;
  /** The tensor whose means over the positions are the features, float [N, D, H, W]; there for scores that say so in `uses`. */
  readonly map?: Expr;
  /** There for scores that use the image; N is then 1. */
  readonly image?: ImageInputs;
}

/** An image and the model behind its logits, for scores that look at how the logits change with the image. */
export interface ImageInputs {
  /** As the model takes it, normalised; float [1, C, H, W]. */
  readonly pixels: Expr;
  /** How much `pixels` change with the image's own pixels in [0, 1]: one over the standard deviation of the normalisation, float [1, C, 1, 1]. */
  readonly slope: Expr;
  /** Logits [1, K] of another image [1, C, H, W]. */
  logitsOf(pixels: Expr): Expr;
  /** Features [1, D] of another image [1, C, H, W]; for scores that use them. */
  featuresOf(pixels: Expr): Expr;
  /** Gradient of a single number with respect to `pixels`. @throws UnsupportedError for a model with an operator that has no gradient rule */
  gradientOf(loss: Expr): Expr;
}

/** What a fit has found, by name: the constants of the score's expression. Float tensors, kept in files as float32 or float64. */
export type Fitted = Readonly<Record<string, Tensor>>;

export type FitNote = (sentence: string) => void;

/** Options of a score; all of them are numbers. */
export type ScoreOptions = Readonly<Record<string, number>>;

/** A post-hoc out-of-distribution score of a trained classifier. Higher means more out-of-distribution. */
export interface ScoreDefinition<Options extends ScoreOptions = ScoreOptions, Part extends FitPart = FitPart> {
  /** Name on the command line. */
  readonly name: string;
  readonly title: string;
  /** Paper and year. */
  readonly source: string;
  /** What it needs beside the logits: `features`, or the `map` they are the means of, and the weights of the last layer (`head`), to compute it; or the `image` and the model, alone; `labels` of in-distribution images to fit it. */
  readonly uses: readonly ("features" | "map" | "head" | "image" | "labels")[];
  /** Output of the network [N, K], and its own name for it, that `logits` and `logitsOf` then are; for scores of the image and of networks made with it. */
  readonly output?: string;
  /**
   * An option that is chosen when the score is fitted, unless it is given: of these values the one at which in-distribution images score
   * lowest in the mean, of equals the first. For scores of the image.
   */
  readonly choice?: { readonly option: keyof Options & string; readonly among: readonly number[] };
  /** What of the in-distribution data its fit reads; absent where there is no fit. */
  readonly reads?: readonly Part[];
  readonly defaults: Options;
  /** @throws OptionError for options out of their range */
  check?(options: Options): void;
  /**
   * Finds the constants from in-distribution data; absent where there are none. Float64 throughout.
   *
   * @param note  told in a sentence what a user should know of the data and what was done about it
   */
  fit?(data: FitData<Part>, options: Options, note?: FitNote): Fitted;
  /**
   * @param fitted  what `fit` has found; empty where there is no fit
   * @returns one score per image [N], or per pixel [N, H, W] for scores of logits alone
   */
  expression(inputs: ScoreInputs, options: Options, fitted: Fitted): Expr;
}

/** Keeps the type of a score's own options while it is written. */
export const defineScore = <Options extends ScoreOptions, Part extends FitPart = never>(
  definition: ScoreDefinition<Options, Part>,
): ScoreDefinition<Options, Part> => definition;
