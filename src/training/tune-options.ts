import type { Normalization } from "../data/index.js";
import type { LossName } from "../losses/index.js";
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
