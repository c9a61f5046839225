import type { Expr } from "../ops/index.js";
import type { Ranges } from "./ranges.js";

/** What a loss is computed from. N in-distribution images (each view of one counts), M outliers, K classes. */
export interface LossInputs {
  /** In-distribution logits, float32 [N, K], or [N, K + A] for a loss with A abstention classes, which come last. */
  readonly logits: Expr;
  /** Classes of the in-distribution images, int64 [N]. */
  readonly labels: Expr;
  /** Outlier logits, float32 [M, K] or [M, K + A]. */
  readonly outlierLogits: Expr;
  /** Share of each class among the outliers as the untouched model sees them, float32 [K], sums to 1. */
  readonly prior: Expr;
  /** Training images of each class, K numbers. */
  readonly classCounts: readonly number[];
  /** One class per outlier drawn anew for every update, int64 [M]; present for a loss with `outlierLabels`. */
  readonly outlierLabels?: Expr;
  /** Outputs of the projection head, unit rows, float32 [N, D] and [M, D]; present for a loss with `projects`. */
  readonly projections?: { readonly id: Expr; readonly outliers: Expr };
  /** What goes into the last layer, float32 [N, D] and [M, D]; present for a loss with `usesFeatures`. */
  readonly features?: { readonly id: Expr; readonly outliers: Expr };
  /** Trained beside the network, float32 [P, D]; present for a loss with `prototypes`. */
  readonly prototypes?: Expr;
  /** Images of rare classes pasted onto others: logits float32 [Q, K + A] and the rare class int64 [Q], Q ≥ 1; present for a loss with `pastedClasses`. */
  readonly pasted?: { readonly logits: Expr; readonly labels: Expr };
}

/** A regularizer that is added to the cross entropy: `total = crossEntropy + weight · regularizer`. */
export interface LossDefinition<Options extends object> {
  /** Name on the command line. */
  readonly name: string;
  readonly title: string;
  /** Paper, year and equation. */
  readonly source: string;
  /** Weight of the regularizer relative to the cross entropy. */
  readonly weight: number;
  readonly defaults: Options;
  /** Where options must lie that no flag of their own checks. */
  readonly ranges?: Ranges<Options>;
  /** Score that goes with the loss: what it shapes is what should be read. */
  readonly score: string;
  /** Which of the options are energies that must fit the model at hand; see `training/margins.ts`. */
  readonly hasMargins: boolean;
  /** Whether the prior of the outliers is used. */
  readonly usesPrior: boolean;
  /** Which of the options is the accuracy of the model on its training images before this training; measured unless it is given. */
  readonly accuracyOption?: string;
  /** Random views of each in-distribution image in a batch; default 1. */
  readonly views?: 1 | 2;
  /** The network needs a projection head beside its classes (`offmap train --projection`). */
  readonly projects?: true;
  /** The features that go into the last layer are used. */
  readonly usesFeatures?: true;
  /** Rows of a matrix that is trained beside the network, each as long as a feature; it starts uniform in ±1/√D. */
  prototypes?(classCounts: readonly number[], options: Options): number;
  /** Classes whose images are pasted onto in-distribution images and outliers, which makes further rows of a batch. */
  pastedClasses?(classCounts: readonly number[], options: Options): readonly number[];
  /** Outputs of the network beyond the classes, which stand for "none of them"; default 0. */
  abstentionClasses?(options: Options): number;
  /** Chances, K numbers that sum to 1, by which each outlier is given a class for one update. */
  outlierLabels?(classCounts: readonly number[], options: Options): readonly number[];
  /** @returns scalar float32 ≥ 0 */
  expression(inputs: LossInputs, options: Options): Expr;
}

export const defineLoss = <Options extends object>(definition: LossDefinition<Options>): LossDefinition<Options> =>
  definition;
