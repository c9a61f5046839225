import { losses } from "../losses/index.js";
import type { ArchitectureName } from "../nn/index.js";
import { checkNumbers } from "./option-ranges.js";
import { commonDefaults, given, type ResolvedTrainingOptions, type TrainingOptions } from "./training-options.js";

/** What training from nothing is told; see `training-options.ts`. Everything left out takes the defaults below. */
export interface TrainOptions extends TrainingOptions {
  readonly arch: ArchitectureName;
  /** Factor on the channels of every layer; default 1. */
  readonly width?: number;
  /** `deconf`: the last layer of Generalized ODIN, logits h / g with an output `cosine` for h; default `linear`. */
  readonly head?: "linear" | "deconf";
}

export type ResolvedTrainOptions = TrainOptions &
  ResolvedTrainingOptions &
  Required<Pick<TrainOptions, "width" | "head">>;

/** The recipe of the CIFAR literature, as in the code of Outlier Exposure: SGD with Nesterov momentum, 0.1, cosine over 100 epochs. */
const defaults = {
  ...commonDefaults,
  width: 1,
  head: "linear",
  loss: "ce",
  train: "all",
  batchNorm: "batch",
  dropout: true,
  learningRate: 0.1,
} as const;
const defaultEpochs = 100;

/**
 * Fills in the defaults; an option that is present but undefined counts as left out. Margins and what else would be fitted to a trained
 * model are the loss's own, which come from the paper.
 */
export function resolveTrainOptions(options: TrainOptions): ResolvedTrainOptions {
  const told = given(options);
  checkNumbers(told);
  const loss = losses[told.loss ?? defaults.loss];
  const own = loss.defaults as { mIn?: number; mOut?: number; alpha?: number; gamma?: number };
  const { mIn = 0, mOut = 0, alpha = 0, gamma = 0 } = own;
  const duration = told.steps === undefined ? { epochs: defaultEpochs } : {};
  return { ...defaults, mIn, mOut, alpha, gamma, weight: loss.weight, ...duration, ...told };
}
