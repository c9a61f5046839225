// How gradients move parameters. A new optimizer is one file and one line here.
import { adam, adamW, amsgrad } from "./adam.js";
import { plainSgd, sgd } from "./sgd.js";
import type { Optimizer } from "./types.js";

/** Optimizers by their name on the command line. */
export const optimizers = {
  sgd,
  "sgd-plain": plainSgd,
  adam,
  adamw: adamW,
  amsgrad,
} as const satisfies Readonly<Record<string, Optimizer>>;

export type OptimizerName = keyof typeof optimizers;

export type { Optimizer, OptimizerOptions } from "./types.js";
