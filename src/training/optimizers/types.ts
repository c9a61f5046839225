import type { Expr } from "../../ops/index.js";

/** What an update is computed from besides the parameter and its gradient. */
export interface UpdateInputs {
  readonly parameter: Expr;
  readonly gradient: Expr;
  /** State of earlier updates, in the order of `slots`; zeros before the first. */
  readonly state: readonly Expr[];
  /** Scalar η. */
  readonly learningRate: Expr;
  /** What `numbers` gives for this update, one scalar each. */
  readonly numbers: readonly Expr[];
}

export interface UpdatedParameter {
  readonly parameter: Expr;
  readonly state: readonly Expr[];
}

export interface OptimizerOptions {
  /** SGD: share of the last velocity that stays; 0.9 by default. */
  readonly momentum: number;
  /** Penalty on the size of every trained parameter, BatchNorm's included, as in the official code; 5e-4 by default. */
  readonly weightDecay: number;
}

/** How a gradient moves a parameter. */
export interface Optimizer {
  /** Names of the tensors of a parameter's shape that are kept from update to update. */
  readonly slots: readonly string[];
  /**
   * Numbers that depend on nothing but how many updates there were, in float64, before they go into the graph in float32.
   *
   * @param update  1 for the first
   */
  numbers(update: number): readonly number[];
  next(inputs: UpdateInputs, options: OptimizerOptions): UpdatedParameter;
}
