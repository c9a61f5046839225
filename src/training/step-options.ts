import type { Parameter } from "../graph/parameters.js";
import type { Partition } from "../graph/partition.js";
import type { LossDefinition } from "../losses/index.js";
import type { Model } from "../onnx/types.js";
import type { Fit } from "./fit-term.js";
import type { FormOptions, UpdateOptions } from "./step-updates.js";

export type BatchNormMode = "batch" | "frozen";

/** Rows of each kind in a joined batch. */
export interface BatchSizes {
  /** In-distribution rows; each view of an image is one. */
  readonly batch: number;
  /** Images of rare classes pasted onto others, Q; they come between the other two. Default 0. */
  readonly pastedBatch?: number;
  /** 0 for a run without outliers, which only the plain cross entropy allows. */
  readonly outlierBatch: number;
}

/** What every step needs to know of its network and its updates, whatever the task. */
export interface NetworkStepOptions extends UpdateOptions, FormOptions {
  /** The model, of operator set 18 or newer. */
  readonly model: Model;
  /** Name of the tensor that holds the logits. */
  readonly logits: string;
  readonly partition: Partition;
  readonly parameters: readonly Parameter[];
  /** Shape of one row of each boundary tensor, by name. */
  readonly rows: ReadonlyMap<string, readonly number[]>;
  /** `batch`: the statistics of the joined batch, and running statistics that follow; `frozen`: the running statistics as they are. */
  readonly batchNorm: BatchNormMode;
  /** Whether Dropout nodes of the trained part drop units; default false. */
  readonly dropout?: boolean | undefined;
  /** Share of the average of parameters and statistics that stays in each update, in (0, 1); undefined: no average is kept. */
  readonly average?: number | undefined;
}

/** Of a classifier, whose logits are [N, K]. */
export interface StepOptions<Options extends object> extends BatchSizes, NetworkStepOptions {
  readonly loss: LossDefinition<Options>;
  readonly lossOptions: Options;
  readonly weight: number;
  /** Share of each class among the outliers, [K]. */
  readonly prior: readonly number[];
  /** Share of the old prior that stays when it follows the network's view of each batch of outliers, in (0, 1); undefined: the prior stays. */
  readonly priorMomentum?: number | undefined;
  /** Training images of each class, K numbers. */
  readonly classCounts: readonly number[];
  readonly fit?: Fit | undefined;
  /** Whether the in-distribution images are mixtures of two. */
  readonly mixed?: boolean | undefined;
  /** Of the starting values of what is trained beside the network. */
  readonly seed: number;
}
