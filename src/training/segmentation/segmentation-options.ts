/** What a training run on pixels is told, whether it starts from a trained model or from nothing, and what it gives back. */
import type { PasteOptions, SceneAugmentation, Size } from "../../data/index.js";
import type { PixelLossName } from "../../losses/pixels/index.js";
import { pixelLosses } from "../../losses/pixels/index.js";
import type { SegmentationArchitectureName } from "../../nn/index.js";
import type { Margin } from "../margins.js";
import { checkNumbers } from "../option-ranges.js";
import {
  commonDefaults,
  given,
  type TrainingOptions,
  type TrainingResult,
  unusedByUpdates,
  unusedFlags,
} from "../training-options.js";
import type { TrunkStatistics } from "./pixel-plan.js";

type Shared =
  | "out"
  | "train"
  | "batchNorm"
  | "dropout"
  | "epochs"
  | "steps"
  | "optimizer"
  | "learningRate"
  | "momentum"
  | "weightDecay"
  | "noDecay"
  | "schedule"
  | "milestones"
  | "decay"
  | "warmUp"
  | "average"
  | "prior"
  | "normalization"
  | "shuffle"
  | "seed"
  | "checkpointEvery"
  | "resume"
  | "engine";

/** As {@link TrainingOptions}, but for what follows; `train: "head"` is the whole final block of DeepLabV3+. */
export interface SegmentationOptions extends Pick<TrainingOptions, Shared> {
  /** Segmentation dataset with the training scenes; see `openSegmentation`. */
  readonly id: string;
  /** Objects to paste; see `openOutlierObjects`. */
  readonly outliers?: string;
  /** Segmentation dataset that mIoU is watched on after every epoch, whole and unchanged; default: some training scenes, at the end only. */
  readonly val?: string;
  readonly loss?: PixelLossName;
  /** Options of the loss by name, over its own: such as `alpha`, `gamma`, `weight`. Margins are `mIn` and `mOut`. */
  readonly lossOptions?: Readonly<Record<string, number | boolean>>;
  /** Energy margins, or `auto`: derived from the untouched model (losses with margins only). */
  readonly mIn?: Margin;
  readonly mOut?: Margin;
  /** Scenes that a prior that is not given, and margins, are measured on; default 1000, in the paper 10,000. */
  readonly priorScenes?: number;
  /** Running statistics of the frozen part; default `frozen`. PEBAL and Balanced Energy: `moving`. */
  readonly trunkStatistics?: TrunkStatistics;
  /** Scenes per update; default 8. */
  readonly batch?: number;
  /** Size that scenes are cut to; default: the model's own, else that of the scenes. */
  readonly crop?: Size;
  /** Factors that scenes are scaled by before; default uniform in [0.75, 1.5]. */
  readonly scales?: NonNullable<SceneAugmentation["scales"]>;
  /** Probability of mirroring; default 0.5. */
  readonly flip?: number;
  /** Probability that a scene gets an object, in [0, 1]; default 0.5 with outliers. */
  readonly outlierShare?: number;
  /** How objects are pasted; default: as they are, with hard edges. */
  readonly paste?: PasteOptions;
}

type AlwaysSet =
  | "loss"
  | "mIn"
  | "mOut"
  | "priorScenes"
  | "trunkStatistics"
  | "batch"
  | "scales"
  | "flip"
  | "train"
  | "batchNorm"
  | "dropout"
  | "optimizer"
  | "learningRate"
  | "momentum"
  | "weightDecay"
  | "schedule"
  | "milestones"
  | "decay"
  | "warmUp"
  | "shuffle"
  | "seed"
  | "checkpointEvery"
  | "resume";

export type ResolvedSegmentationOptions = SegmentationOptions & Required<Pick<SegmentationOptions, AlwaysSet>>;

export interface TuneSegmentationOptions extends SegmentationOptions {
  /** Path of the ONNX segmentation model. */
  readonly model: string;
  /** Share of the units in front of the last layer that drop, in (0, 1), by a Dropout node that the network gets there; sets `dropout`. */
  readonly headDropout?: number;
}

export interface TrainSegmentationOptions extends SegmentationOptions {
  readonly arch: SegmentationArchitectureName;
  /** Factor on the channels of every layer; default 1. */
  readonly width?: number;
}

const { momentum, milestones, decay, warmUp, shuffle, seed, checkpointEvery, resume } = commonDefaults;
const shared = {
  ...{ momentum, milestones, decay, warmUp, shuffle, seed, checkpointEvery, resume },
  batch: 8,
  scales: { least: 0.75, most: 1.5 },
  flip: 0.5,
  schedule: "poly",
  priorScenes: 1000,
  trunkStatistics: "frozen",
} as const;

const tuneDefaults = {
  ...shared,
  loss: "balanced-energy",
  mIn: "auto",
  mOut: "auto",
  train: "head",
  batchNorm: "frozen",
  dropout: false,
  optimizer: "adam",
  learningRate: 1e-4,
  weightDecay: 0,
} as const;
const tuneEpochs = 10;

/** Fills in the defaults; an option that is present but undefined counts as left out. @throws OptionError for a number that no run can work with */
export function resolveTuneSegmentation(
  options: TuneSegmentationOptions,
): TuneSegmentationOptions & ResolvedSegmentationOptions {
  const told = given(options);
  checkNumbers(told);
  const duration = told.steps === undefined ? { epochs: tuneEpochs } : {};
  return { ...tuneDefaults, ...duration, ...told, ...(told.headDropout === undefined ? {} : { dropout: true }) };
}

const trainDefaults = {
  ...shared,
  width: 1,
  loss: "ce",
  train: "all",
  batchNorm: "batch",
  dropout: true,
  optimizer: "adamw",
  learningRate: 1e-3,
  weightDecay: 0.01,
} as const;
const trainEpochs = 100;

/** The same for training from nothing; margins are then the loss's own. */
export function resolveTrainSegmentation(
  options: TrainSegmentationOptions,
): TrainSegmentationOptions & ResolvedSegmentationOptions & { readonly width: number } {
  const told = given(options);
  checkNumbers(told);
  const { mIn = 0, mOut = 0 } = pixelLosses[told.loss ?? trainDefaults.loss].defaults as Partial<
    Record<"mIn" | "mOut", number>
  >;
  const duration = told.steps === undefined ? { epochs: trainEpochs } : {};
  return { ...trainDefaults, mIn, mOut, ...duration, ...told };
}

/**
 * What the code of PEBAL and of Choi, Jeong and Choi, CVPR 2023, does on Cityscapes with COCO: to be given to {@link TuneSegmentationOptions}.
 * An epoch there has 3,272 scenes, 297 of them with an object, in batches of 8, and a run 20 of these.
 */
export const paperSegmentation = {
  train: "head",
  batchNorm: "batch",
  trunkStatistics: "moving",
  dropout: true,
  optimizer: "adam",
  learningRate: 1e-5,
  weightDecay: 0,
  schedule: "poly",
  steps: 8180,
  batch: 8,
  crop: { height: 900, width: 900 },
  scales: [0.5, 0.75, 1, 1.5, 1.75, 2],
  flip: 0.8,
  outlierShare: 297 / 3272,
  mIn: -12,
  mOut: -6,
  priorScenes: 10_000,
} as const satisfies Partial<TuneSegmentationOptions>;

/** Sentences about options that were given and that nothing looks at. */
export function unusedSegmentationOptions(resolved: ResolvedSegmentationOptions, told: SegmentationOptions): string[] {
  const { loss } = resolved;
  const { hasMargins, usesPrior } = pixelLosses[loss];
  const looked = {
    "--m-in": [hasMargins, told.mIn],
    "--m-out": [hasMargins, told.mOut],
    "--prior": [usesPrior, told.prior],
    "--prior-scenes": [usesPrior || hasMargins, told.priorScenes],
  } as const;
  const pastes = told.outliers !== undefined;
  const ofPasting = {
    "--outlier-share": [pastes, told.outlierShare],
    "--paste-scale and --feather": [pastes, told.paste],
  } as const;
  return [
    ...unusedFlags(ofPasting).map((flags) => `${flags} without effect, as there are no --outliers`),
    ...unusedFlags(looked).map((flag) => `${flag} has no effect on the loss ${loss}`),
    ...unusedByUpdates(resolved, told),
  ];
}

/** What is printed as JSON; the field names are a contract. */
export interface SegmentationResult
  extends Omit<TrainingResult, "prior_after" | "training_accuracy" | "accuracy_before" | "accuracy_after" | "best"> {
  /** Mean IoU in [0, 1] on the validation scenes, or on training scenes when there are none; null before training from nothing. */
  readonly miou_before: number | null;
  readonly miou_after: number;
  /** IoU of each class afterwards; null for a class in neither labels nor predictions. */
  readonly class_iou: Readonly<Record<string, number | null>>;
  /** The network of the epoch with the highest mean IoU on the validation scenes; null without these. */
  readonly best: { readonly epoch: number; readonly miou: number; readonly out: string } | null;
}
