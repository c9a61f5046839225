/** The training loop: batches in, updates, checkpoints, and a clean stop between two steps. */
import { CancelledError } from "../errors.js";
import type { Progress } from "./progress.js";
import type { RunFolder } from "./run-files.js";
import { learningRateAt, type Schedule } from "./schedule.js";
import { rowsOf } from "./step-network.js";
import { checkLoss, type StepBatch, type Trainer } from "./trainer.js";
import type { ResolvedTrainingOptions } from "./training-options.js";

/** What the steps of a run took, over all its parts where it was stopped in between; looks at the network and checkpoints are left out. */
export interface Spent {
  readonly steps: number;
  readonly seconds: number;
  /** In-distribution images and outliers. */
  readonly images: number;
}

export const nothingSpent: Spent = { steps: 0, seconds: 0, images: 0 };

/** As `run.json` tells it; 0 where no step was taken. */
export function speedOf({ steps, seconds, images }: Spent) {
  return steps === 0
    ? { seconds_per_step: 0, images_per_second: 0 }
    : { seconds_per_step: seconds / steps, images_per_second: images / seconds };
}

export interface StepsToRun {
  readonly trainer: Trainer;
  /** Gives the batch of each step, from 0 over the whole run. */
  readonly source: { batch(step: number): Promise<StepBatch> };
  readonly folder: RunFolder;
  readonly options: Schedule & Pick<ResolvedTrainingOptions, "checkpointEvery">;
  /** Updates done before, by the run that is continued. */
  readonly first: number;
  readonly total: number;
  /** By the run that is continued. */
  readonly spent: Spent | undefined;
  /** Writes a checkpoint and the log after so many updates. */
  save(step: number, spent: Spent): Promise<void>;
  /** Called after so many updates, before a checkpoint of that step is written; again when a run goes on from such a checkpoint. */
  afterStep?(step: number): Promise<void>;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** What follows the last update, of a run that has saved its state: a request to stop says how to go on. */
export async function orStopped<Result>(work: Promise<Result>, total: number, folder: RunFolder): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof CancelledError ? stoppedAfter(total, total, folder) : error;
  }
}

function stoppedAfter(step: number, total: number, folder: RunFolder): CancelledError {
  return new CancelledError({
    problem: `stopped after step ${step} of ${total}; the state is saved in ${folder.file("checkpoint.onnx")}`,
    hint: "repeat the command with --resume to go on",
  });
}

/** @returns what all steps took, those of the run that is continued included */
export async function runSteps({
  trainer,
  source,
  folder,
  options,
  first,
  total,
  spent: before = nothingSpent,
  save,
  afterStep,
  progress,
  signal,
}: StepsToRun): Promise<Spent> {
  let images = 0;
  const started = performance.now();
  let aside = 0;
  const putAside = async (work: Promise<void> | undefined) => {
    const begun = performance.now();
    await work;
    aside += performance.now() - begun;
  };
  const spentUpTo = (step: number): Spent => ({
    steps: before.steps + step - first,
    seconds: before.seconds + (performance.now() - started - aside) / 1000,
    images: before.images + images,
  });
  const stop = async (step: number): Promise<never> => {
    await save(step, spentUpTo(step));
    throw stoppedAfter(step, total, folder);
  };
  const look = async (step: number) => {
    try {
      await putAside(afterStep?.(step));
    } catch (error) {
      if (error instanceof CancelledError) await stop(step);
      throw error;
    }
  };
  // Progress counts what this run has to do, so that rate and time left are right.
  progress.start(first === 0 ? "Training" : `Training from step ${first} on`, total - first, "steps");
  // A run that was stopped while it looked is to look once more.
  if (first > 0) await look(first);
  let upcoming = first < total ? source.batch(first) : undefined;
  for (let step = first; step < total; step++) {
    if (signal?.aborted) await stop(step);
    const batch = await (upcoming as Promise<StepBatch>);
    images += rowsOf(batch.sizes);
    // The next batch is read and augmented while this step runs in the engine's thread.
    upcoming = step + 1 < total ? source.batch(step + 1) : undefined;
    upcoming?.catch(() => undefined);
    const learningRate = learningRateAt(options, step + 1, total);
    const readings = await trainer.step(batch, learningRate, step + 1);
    folder.log({ step: step + 1, learningRate, ...readings });
    try {
      checkLoss(readings, step + 1);
    } catch (error) {
      // The log shows how it came to this, and is cut where the run goes on from a checkpoint.
      await folder.writeLog();
      throw error;
    }
    await look(step + 1);
    if ((step + 1) % options.checkpointEvery === 0 && step + 1 < total) {
      await putAside(save(step + 1, spentUpTo(step + 1)));
    }
    progress.update(step + 1 - first, `loss ${readings.loss.toFixed(4)}`);
  }
  progress.finish();
  return spentUpTo(total);
}
