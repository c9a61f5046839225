import type { AugmentationName, Normalization } from "../data/index.js";
import { type LossName, losses } from "../losses/index.js";
import type { EngineOptions } from "../runtime/index.js";
import type { Margin } from "./margins.js";
import type { OptimizerName } from "./optimizers/index.js";
import type { SamplingName } from "./sampling.js";
import type { ScheduleName } from "./schedule.js";
import type { BatchNormMode } from "./step-options.js";
import type { ChosenAccuracy } from "./training-accuracy.js";

/**
 * What a training run is told, whether it starts from a trained model or from nothing. The two differ in defaults: see
 * `tune-options.ts` and `train-options.ts`.
 */
export interface TrainingOptions {
  /** Dataset of labelled in-distribution training images. */
  readonly id: string;
  /** Dataset of outliers; their labels are not looked at. Only `ce` can do without. */
  readonly outliers?: string;
  /** Folder for the results; made when absent. */
  readonly out: string;
  readonly loss?: LossName;
  /** How much a dominating class raises the outlier margin (balanced energy only). */
  readonly alpha?: number;
  /** Exponent on the prior in [0, ∞), or `auto`: chosen from how uneven the measured prior is (balanced energy only). */
  readonly gamma?: number | "auto";
  /** Exponent on the prior in the weights; default: the same as `gamma` (balanced energy only). */
  readonly gammaWeight?: number;
  /** Energy margins, or `auto`: derived from the untouched model (energy losses only). */
  readonly mIn?: Margin;
  readonly mOut?: Margin;
  /** Further options of the loss by name, over its own. */
  readonly lossOptions?: Readonly<Record<string, number>>;
  /** Weight of the regularizer beside the cross entropy; default: the loss's own. */
  readonly weight?: number;
  /** Whether the weights Z are divided by their sum (default) or their number (balanced energy only). */
  readonly balanceBy?: "sum" | "mean";
  /** Stop the gradient at Z; default false (balanced energy only). */
  readonly detachZ?: boolean;
  /** `head`, `all`, or patterns over parameter names. */
  readonly train?: string;
  readonly batchNorm?: BatchNormMode;
  /** Whether Dropout nodes of the trained part drop units. */
  readonly dropout?: boolean;
  /** Passes over the in-distribution images. */
  readonly epochs?: number;
  /** Number of updates, instead of `epochs`. */
  readonly steps?: number;
  /** In-distribution images per update; default 128. */
  readonly batch?: number;
  /** Outliers per update; default 256. */
  readonly outlierBatch?: number;
  /** Default `sgd`. */
  readonly optimizer?: OptimizerName;
  readonly learningRate?: number;
  /** Of SGD; default 0.9. */
  readonly momentum?: number;
  /** Default 0.0005. */
  readonly weightDecay?: number;
  /** Patterns over the names of parameters without weight decay, with commas between. */
  readonly noDecay?: string;
  /** Default `cosine`. */
  readonly schedule?: ScheduleName;
  /** Of the schedule `step`: shares of the run after which the rate falls; default 0.5 and 0.75. */
  readonly milestones?: readonly number[];
  /** Of the schedule `step`: what each fall multiplies the rate by; default 0.1. */
  readonly decay?: number;
  /** Share of the run over which the rate rises from 0; default 0. */
  readonly warmUp?: number;
  /** Share of the target that is spread over all classes, in [0, 1); default 0. */
  readonly labelSmoothing?: number;
  /** τ ≥ 0 of the logit adjustment inside the cross entropy; default 0. */
  readonly logitAdjustment?: number;
  /** Share of the average of the weights that stays in each update, in (0, 1); the model then has the averages. Default: no average. */
  readonly average?: number;
  /** File written by `offmap prior`; the prior is measured when absent. */
  readonly prior?: string;
  /** Share of the prior that stays when it follows the network's view of each batch of outliers, in (0, 1); default: the prior stays (balanced energy only). */
  readonly priorMomentum?: number;
  /** Per-channel mean and standard deviation of pixels in [0, 1]; default: what the model's metadata say, else none. */
  readonly normalization?: Normalization;
  /** What happens to images by chance, in this order; default `crop-flip`: a random crop (padding 4) and mirroring. Empty: nothing. */
  readonly augment?: readonly AugmentationName[];
  /** Parameter > 0 of the Beta distribution by which pairs of in-distribution images are mixed; default: they are not. */
  readonly mixup?: number;
  /** Which in-distribution images come how often; default `shuffled`: every one once an epoch. */
  readonly sampling?: SamplingName;
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

/** Defaults that do not depend on where a run starts. */
export const commonDefaults = {
  balanceBy: "sum",
  detachZ: false,
  batch: 128,
  outlierBatch: 256,
  optimizer: "sgd",
  momentum: 0.9,
  weightDecay: 0.0005,
  schedule: "cosine",
  milestones: [0.5, 0.75],
  decay: 0.1,
  warmUp: 0,
  augment: ["crop-flip"],
  sampling: "shuffled",
  shuffle: true,
  seed: 1,
  checkpointEvery: 100,
  resume: false,
} as const satisfies Partial<TrainingOptions>;

type AlwaysSet =
  | keyof typeof commonDefaults
  | "loss"
  | "alpha"
  | "gamma"
  | "mIn"
  | "mOut"
  | "weight"
  | "train"
  | "batchNorm"
  | "dropout"
  | "learningRate";

/** The options of a run with every default filled in. */
export type ResolvedTrainingOptions = TrainingOptions & Required<Pick<TrainingOptions, AlwaysSet>>;

/** Sentences about options that were given and that nothing looks at. */
export function unusedOptions(resolved: ResolvedTrainingOptions, options: Omit<TrainingOptions, "loss">): string[] {
  const { loss, sampling } = resolved;
  const { hasMargins, usesPrior } = losses[loss];
  const looked = {
    "--weight": [loss !== "ce", options.weight],
    "--alpha": [usesPrior, options.alpha],
    "--gamma": [usesPrior, options.gamma],
    "--gamma-weight": [usesPrior, options.gammaWeight],
    "--balance-by": [usesPrior, options.balanceBy],
    "--detach-z": [usesPrior, options.detachZ],
    "--prior": [usesPrior, options.prior],
    "--prior-momentum": [usesPrior, options.priorMomentum],
    "--m-in": [hasMargins, options.mIn],
    "--m-out": [hasMargins, options.mOut],
  } as const;
  const isDrawn = options.shuffle === false && sampling !== "shuffled";
  return [
    ...unusedFlags(looked).map((flag) => `${flag} has no effect on the loss ${loss}`),
    ...unusedByUpdates(resolved, options),
    ...unusedFlags({ "--outlier-batch": [options.outliers !== undefined, options.outlierBatch] }).map(
      (flag) => `${flag} has no effect without --outliers`,
    ),
    ...(isDrawn ? [`--no-shuffle has no effect on training images with --sampling ${sampling}, which draws them`] : []),
  ];
}

/** Sentences about options of updates that were given and that these updates do not look at. */
export function unusedByUpdates(
  { schedule, optimizer, weightDecay }: Pick<ResolvedTrainingOptions, "schedule" | "optimizer" | "weightDecay">,
  { milestones, decay, momentum, noDecay }: Pick<TrainingOptions, "milestones" | "decay" | "momentum" | "noDecay">,
): string[] {
  const [isSteps, isSgd] = [schedule === "step", optimizer.startsWith("sgd")];
  const ofSchedule = unusedFlags({ "--milestones": [isSteps, milestones], "--decay": [isSteps, decay] });
  return [
    ...ofSchedule.map((flag) => `${flag} has no effect on the schedule ${schedule}`),
    ...unusedFlags({ "--momentum": [isSgd, momentum] }).map((flag) => `${flag} has no effect on ${optimizer}`),
    ...unusedFlags({ "--no-decay": [weightDecay > 0, noDecay] }).map((flag) => `${flag} has no effect without decay`),
  ];
}

/** Flags that were given and are not used. @param looked  by flag: whether it is used, and its value */
export function unusedFlags(looked: Readonly<Record<string, readonly [used: boolean, value: unknown]>>): string[] {
  return Object.entries(looked).flatMap(([flag, [used, value]]) => (used || value === undefined ? [] : [flag]));
}

/** Options without those that are present but undefined, which count as left out. */
export function given<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}

/** What `offmap tune --json` and `offmap train --json` print; the field names are a contract. */
export interface TrainingResult {
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
  /** What the loss took as the accuracy on the training images before this training; null for a loss that takes none. */
  readonly training_accuracy: ChosenAccuracy | null;
  readonly prior: readonly number[] | null;
  /** What a prior that follows the network has come to; null for one that stays. */
  readonly prior_after: readonly number[] | null;
  /** Accuracy in [0, 1] on held-out training images, or on training images when none are held out; null before training from nothing. */
  readonly accuracy_before: number | null;
  readonly accuracy_after: number;
  /** The most accurate network of any epoch, on held-out images; null when they are not watched. */
  readonly best: { readonly epoch: number; readonly accuracy: number; readonly out: string } | null;
  /** Path of the trained model. */
  readonly out: string;
}
