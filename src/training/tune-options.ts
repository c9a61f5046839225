import { losses } from "../losses/index.js";
import { checkNumbers } from "./option-ranges.js";
import { commonDefaults, given, type ResolvedTrainingOptions, type TrainingOptions } from "./training-options.js";

/** What a fine-tuning run is told; see `training-options.ts`. Everything left out takes the defaults below. */
export interface TuneOptions extends TrainingOptions {
  /** Path of the ONNX classifier. */
  readonly model: string;
  /** Alphas and gammas to choose from on data that training has a right to, in place of `alpha` and `gamma`; see `balance-search.ts`. */
  readonly search?: BalanceGrid;
}

/** What can be chosen from: every alpha with every gamma. */
export interface BalanceGrid {
  readonly alpha: readonly number[];
  readonly gamma: readonly number[];
}

export type ResolvedTuneOptions = Omit<TuneOptions, "search"> & ResolvedTrainingOptions;

/** The numbers are those of the authors' scripts, but for what must fit the model and was chosen on validation data (`docs/results/`). */
const defaults = {
  ...commonDefaults,
  loss: "balanced-energy",
  alpha: 5,
  gamma: "auto",
  mIn: "auto",
  mOut: "auto",
  train: "head",
  batchNorm: "frozen",
  dropout: false,
  learningRate: 0.001,
} as const;
const defaultEpochs = 10;

/** Fills in the defaults; an option that is present but undefined counts as left out. */
export function resolveTuneOptions(options: Omit<TuneOptions, "search">): ResolvedTuneOptions {
  const told = given(options);
  checkNumbers(told);
  const { loss = defaults.loss } = told;
  const duration = told.steps === undefined ? { epochs: defaultEpochs } : {};
  return { ...defaults, weight: losses[loss].weight, ...duration, ...told };
}
