/** Training runs of recipes: what they are told, and what a sweep must know of each task to plan them. */
import { type LossName, losses } from "../../losses/index.js";
import { type PixelLossName, pixelLosses } from "../../losses/pixels/index.js";
import type { Task, TrainSegmentationOptions, TuneSegmentationOptions } from "../../training/index.js";
import { resolveTrainSegmentation, resolveTuneSegmentation } from "../../training/segmentation/segmentation-options.js";
import { resolveTrainOptions, type TrainOptions } from "../../training/train-options.js";
import { resolveTuneOptions, type TuneOptions } from "../../training/tune-options.js";
import type { RawStageOptions } from "./recipe-schema.js";

export type StageKind = "train" | "tune";

/** By task and kind, what the library takes. */
interface LibraryOptions {
  readonly classification: { readonly train: TrainOptions; readonly tune: TuneOptions };
  readonly segmentation: { readonly train: TrainSegmentationOptions; readonly tune: TuneSegmentationOptions };
}

type Placed = "out" | "model" | "resume" | "engine";

/** What a stage is told, but for where it starts and where its results go. */
export type StageOptions<In extends Task = Task, Kind extends StageKind = StageKind> = {
  [T in In]: { [K in Kind]: Omit<LibraryOptions[T][K], Placed> }[Kind];
}[In];

/** A training run, as it is given to the library. */
export type StageJob = {
  [T in Task]: {
    [K in StageKind]: { readonly task: T; readonly kind: K; readonly options: LibraryOptions[T][K] };
  }[StageKind];
}[Task];

/** Turns the options of a recipe into those of the library; whoever knows the options of the command line gives it. */
export type StageOptionReader = (
  task: Task,
  kind: StageKind,
  options: RawStageOptions,
  where: string,
) => Promise<StageOptions>;

/** Options with all defaults, of which a plan looks at these; scenes have no search. */
export type ResolvedStage = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly loss: string;
  readonly arch?: string;
  readonly outliers?: string;
  readonly prior?: string;
  readonly search?: object;
};

type Resolve = (options: never) => object;

const resolvers: Readonly<Record<Task, Readonly<Record<StageKind, Resolve>>>> = {
  classification: { train: resolveTrainOptions, tune: resolveTuneOptions },
  segmentation: { train: resolveTrainSegmentation, tune: resolveTuneSegmentation },
};

/** The options with the defaults that depend on the task, the kind, the network and the loss. */
export function resolveStage(task: Task, kind: StageKind, told: object): ResolvedStage {
  const { [task]: own } = resolvers;
  return own[kind]({ out: "", ...(kind === "tune" && { model: "" }), ...told } as never) as ResolvedStage;
}

/** The score that goes with a loss. */
export function scoreOfLoss(task: Task, loss: string): string {
  return task === "classification" ? losses[loss as LossName].score : pixelLosses[loss as PixelLossName].score;
}
