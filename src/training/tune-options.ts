import type { Normalization } from "../data/index.js";
import { type LossName, losses } from "../losses/index.js";
import type { EngineOptions } from "../runtime/index.js";
import type { Margin } from "./margins.js";
import type { ScheduleName } from "./schedule.js";
import type { BatchNormMode } from "./step.js";

/** What a fine-tuning run is told. Everything left out takes the default named beside it. */
export interface TuneOptions {
  /** Path of the ONNX classifier. */
  readonly model: string;
  /** Dataset of labelled in-distribution training images. */
  readonly id: string;
  /** Dataset of outliers; their labels are not looked at. Only `ce` can do without. */
  readonly outliers?: string;
  /** Folder for the results; made when absent. */
  readonly out: string;
  /** Default `balanced-energy`. */
  readonly loss?: LossName;
  /** How much a dominating class raises the outlier margin; default 5 (balanced energy only). */
  readonly alpha?: number;
  /** Exponent on the prior in [0, ∞), or `auto`: chosen from how uneven the measured prior is (balanced energy only). */
  readonly gamma?: number | "auto";
  /** Exponent on the prior in the weights; default: the same as `gamma` (balanced energy only). */
  readonly gammaWeight?: number;
  /** Energy margins; default `auto`: derived from the untouched model (energy losses only). */
  readonly mIn?: Margin;
  readonly mOut?: Margin;
  /** Weight of the regularizer beside the cross entropy; default: the loss's own. */
  readonly weight?: number;
  /** Whether the weights Z are divided by their sum (default) or their number (balanced energy only). */
  readonly balanceBy?: "sum" | "mean";
  /** Stop the gradient at Z; default false (balanced energy only). */
  readonly detachZ?: boolean;
  /** `head` (default), `all`, or patterns over parameter names. */
  readonly train?: string;
  /** Default `frozen`. */
  readonly batchNorm?: BatchNormMode;
  /** Passes over the in-distribution images; default 10 unless `steps` is given. */
  readonly epochs?: number;
  /** Number of updates, instead of `epochs`. */
  readonly steps?: number;
  /** In-distribution images per update; default 128. */
  readonly batch?: number;
  /** Outliers per update; default 256. */
  readonly outlierBatch?: number;
  /** Default 0.001. */
  readonly learningRate?: number;
  /** Default 0.9. */
  readonly momentum?: number;
  /** Default 0.0005. */
  readonly weightDecay?: number;
  /** Default `cosine`. */
  readonly schedule?: ScheduleName;
  /** File written by `offmap prior`; the prior is measured when absent. */
  readonly prior?: string;
  /** Per-channel mean and standard deviation of pixels in [0, 1]; default: what the model's metadata say, else none. */
  readonly normalization?: Normalization;
  /** Random crop (padding 4) and horizontal flip; default true. */
  readonly augment?: boolean;
  /** Shuffle images and start the outliers at a random offset each epoch; default true. */
  readonly shuffle?: boolean;
  /** Default 1. */
  readonly seed?: number;
  /** Share of the in-distribution images kept out of training to watch accuracy, in [0, 0.5]; default 0.05, and 0 without shuffling. */
  readonly holdOut?: number;
  /** Updates between checkpoints; default 100. */
  readonly checkpointEvery?: number;
  /** Continue the run that `out` holds. */
  readonly resume?: boolean;
  readonly engine?: EngineOptions;
}

/** The options of a run with every default filled in. */
export type ResolvedTuneOptions = TuneOptions &
  Required<
    Pick<
      TuneOptions,
      | "loss"
      | "alpha"
      | "gamma"
      | "mIn"
      | "mOut"
      | "weight"
      | "balanceBy"
      | "detachZ"
      | "train"
      | "batchNorm"
      | "batch"
      | "outlierBatch"
      | "learningRate"
      | "momentum"
      | "weightDecay"
      | "schedule"
      | "augment"
      | "shuffle"
      | "seed"
      | "checkpointEvery"
      | "resume"
    >
  >;

/** The numbers are those of the authors' scripts, but for what must fit the model and was chosen on validation data (`docs/results/`). */
const defaults = {
  loss: "balanced-energy",
  alpha: 5,
  gamma: "auto",
  mIn: "auto",
  mOut: "auto",
  balanceBy: "sum",
  detachZ: false,
  train: "head",
  batchNorm: "frozen",
  batch: 128,
  outlierBatch: 256,
  learningRate: 0.001,
  momentum: 0.9,
  weightDecay: 0.0005,
  schedule: "cosine",
  augment: true,
  shuffle: true,
  seed: 1,
  checkpointEvery: 100,
  resume: false,
} as const;
const defaultEpochs = 10;

/** Fills in the defaults; an option that is present but undefined counts as left out. */
export function resolveTuneOptions(options: TuneOptions): ResolvedTuneOptions {
  const told = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as TuneOptions;
  const { loss = defaults.loss } = told;
  const duration = told.steps === undefined ? { epochs: defaultEpochs } : {};
  return { ...defaults, weight: losses[loss].weight, ...duration, ...told };
}

/** Flags of options that were given and that the chosen loss does not look at. */
export function unusedOptions({ loss = defaults.loss, ...options }: TuneOptions): string[] {
  const { hasMargins, usesPrior } = losses[loss];
  const looked = {
    "--alpha": [usesPrior, options.alpha],
    "--gamma": [usesPrior, options.gamma],
    "--gamma-weight": [usesPrior, options.gammaWeight],
    "--prior": [usesPrior, options.prior],
    "--m-in": [hasMargins, options.mIn],
    "--m-out": [hasMargins, options.mOut],
  } as const;
  return Object.entries(looked).flatMap(([flag, [used, value]]) => (used || value === undefined ? [] : [flag]));
}

/** What `offmap tune --json` prints; the field names are a contract. */
export interface TuneResult {
  readonly steps: number;
  readonly seconds_per_step: number;
  readonly images_per_second: number;
  /** Mean of the total loss over the last steps. */
  readonly loss: number;
  readonly margins: {
    readonly m_in: number;
    readonly m_out: number;
    readonly alpha?: number;
    readonly gamma?: number;
    readonly reason: string;
  } | null;
  readonly prior: readonly number[] | null;
  /** Accuracy in [0, 1] on held-out training images, or on training images when none are held out. */
  readonly accuracy_before: number;
  readonly accuracy_after: number;
  /** Path of the tuned model. */
  readonly out: string;
}
