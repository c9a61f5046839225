import { OptionError } from "../errors.js";
import { readHashedModel } from "../onnx/index.js";
import type { Model } from "../onnx/types.js";

/** Metadata key of an exported model: its calibration, as JSON, with what the score was fitted to and the tensors that hold its features and map, where it has them. */
export const guardKey = "offmap.guard";
/** The same of a segmentation network: the score, its options, the threshold and the calibration that has found it. */
export const anomalyKey = "offmap.anomaly";

/**
 * Reads a trained model that training goes on from, with its digest; see {@link readHashedModel}.
 *
 * @throws OptionError for one that `offmap export` has made: its threshold would stay while its weights move
 */
export async function readStartModel(path: string): Promise<{ readonly model: Model; readonly digest: string }> {
  const read = await readHashedModel(path);
  if (![guardKey, anomalyKey].some((key) => read.model.metadata.has(key))) return read;
  throw new OptionError({
    where: path,
    expected: "a model as it was before `offmap export`",
    received: "an exported one, whose score and threshold hold for the weights it has",
    hint: "tune the model itself, then fit, calibrate and export again",
  });
}
