import { readModel } from "../onnx/index.js";
import { hashFile, keepModel } from "./run-files.js";
import { runTraining, type TrainingContext } from "./run-training.js";
import type { TrainingResult } from "./training-options.js";
import { resolveTuneOptions, type TuneOptions } from "./tune-options.js";

/** One run, with the options as they are. */
export async function tuneOnce(options: TuneOptions, context: TrainingContext = {}): Promise<TrainingResult> {
  await keepModel(options.out, options.model);
  const model = await readModel(options.model);
  const start = { model, where: options.model, digest: await hashFile(options.model), trained: true };
  return runTraining(start, resolveTuneOptions(options), options, context);
}
