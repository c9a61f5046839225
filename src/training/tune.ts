import { readModel } from "../onnx/index.js";
import { hashFile } from "./run-files.js";
import { runTraining, type TrainingContext } from "./run-training.js";
import type { TrainingResult } from "./training-options.js";
import { resolveTuneOptions, type TuneOptions } from "./tune-options.js";

/** Step 2 of the method: fine-tunes a classifier with outliers. See {@link runTraining} for what is written and thrown. */
export async function tune(options: TuneOptions, context: TrainingContext = {}): Promise<TrainingResult> {
  const model = await readModel(options.model);
  const start = { model, where: options.model, digest: await hashFile(options.model), trained: true };
  return runTraining(start, resolveTuneOptions(options), options, context);
}
