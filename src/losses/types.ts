import type { Expr } from "../ops/index.js";

/** What a loss is computed from. */
export interface LossInputs {
  /** In-distribution logits, float32 [N, K]. */
  readonly logits: Expr;
  /** Outlier logits, float32 [M, K]. */
  readonly outlierLogits: Expr;
  /** Share of each class among the outliers as the untouched model sees them, float32 [K], sums to 1. */
  readonly prior: Expr;
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
  /** Score that goes with the loss: what it shapes is what should be read. */
  readonly score: string;
  /** Which of the options are energies that must fit the model at hand; see `training/margins.ts`. */
  readonly hasMargins: boolean;
  /** Whether the prior of the outliers is used. */
  readonly usesPrior: boolean;
  /** @returns scalar float32 ≥ 0 */
  expression(inputs: LossInputs, options: Options): Expr;
}

export const defineLoss = <Options extends object>(definition: LossDefinition<Options>): LossDefinition<Options> =>
  definition;
