/** What one process does: a training run, or the evaluation of a finished recipe. Jobs are plain data. */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OptionError } from "../../errors.js";
import { writeFileAtomic } from "../../files.js";
import { createEngine } from "../../runtime/index.js";
import { resumeFlag } from "../../training/checkpoint.js";
import { type TrainingContext, train, trainSegmentation, tune, tuneSegmentation } from "../../training/index.js";
import { evaluateImages, type ImageEvaluationJob } from "./evaluate-images.js";
import { evaluateScenes, type SceneEvaluationJob } from "./evaluate-scenes.js";
import { preset } from "./evaluation-job.js";
import type { RunNumbers } from "./results.js";
import type { StageJob } from "./stages.js";

export type Job = (StageJob & { readonly content: object }) | ImageEvaluationJob | SceneEvaluationJob;

/** Does a job; its results are in its folder or file afterwards. */
export async function runJob(job: Job, context: TrainingContext): Promise<void> {
  if (job.kind === "evaluate") return runEvaluation(job, context);
  await mkdir(job.options.out, { recursive: true });
  await writeFileAtomic(join(job.options.out, "stage.json"), `${JSON.stringify(job.content, null, 2)}\n`);
  await runStage(job, context).catch((error: unknown) => {
    if (!(error instanceof OptionError && error.details.where === resumeFlag)) throw error;
    // The user of a sweep has given no such flag.
    throw new OptionError({
      ...error.details,
      where: job.options.out,
      hint: "delete this folder to begin the stage anew",
    });
  });
}

async function runStage(job: StageJob, context: TrainingContext): Promise<void> {
  if (job.task === "segmentation") {
    if (job.kind === "train") await trainSegmentation(job.options, context);
    else await tuneSegmentation(job.options, context);
  } else if (job.kind === "train") await train(job.options, context);
  else await tune(job.options, context);
}

async function runEvaluation(job: ImageEvaluationJob | SceneEvaluationJob, context: TrainingContext): Promise<void> {
  const engine = await createEngine(job.engine);
  try {
    const measured =
      job.task === "segmentation"
        ? await evaluateScenes(engine, job, context)
        : await evaluateImages(engine, job, context);
    const numbers: RunNumbers = { ...job.about, preset, ...measured };
    await mkdir(dirname(job.result), { recursive: true });
    await writeFileAtomic(job.result, `${JSON.stringify(numbers, null, 2)}\n`);
  } finally {
    await engine.close();
  }
}
