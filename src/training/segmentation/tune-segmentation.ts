import { withHeadDropout } from "../../graph/head-dropout.js";
import { keepModel } from "../run-files.js";
import type { TrainingContext } from "../run-training.js";
import { readStartModel } from "../start-model.js";
import { runSegmentation } from "./run-segmentation.js";
import {
  resolveTuneSegmentation,
  type SegmentationResult,
  type TuneSegmentationOptions,
} from "./segmentation-options.js";

/** Fine-tunes a segmentation network with pasted outliers. See {@link runSegmentation} for what is written and thrown. */
export async function tuneSegmentation(
  options: TuneSegmentationOptions,
  context: TrainingContext = {},
): Promise<SegmentationResult> {
  await keepModel(options.out, options.model);
  const { model: read, digest } = await readStartModel(options.model);
  const { headDropout } = options;
  const model = headDropout === undefined ? read : withHeadDropout(read, headDropout, options.model);
  const start = { model, where: options.model, digest, trained: true, hasHeadDropout: headDropout !== undefined };
  return runSegmentation(start, resolveTuneSegmentation(options), options, context);
}
