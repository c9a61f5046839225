import type { ImageDataset } from "../data/index.js";
import type { Engine } from "../runtime/index.js";
import { type Classifier, imageShape } from "../training/classifier.js";
import { type PredictWithOptions, predictWith } from "../training/predict.js";
import { checkFitted, checkResize, type ScorePart } from "./score-part.js";
import { checkSizes, scoredModel, scoreName } from "./scored-model.js";

export interface ScoredDataset {
  /** Float32 [N, K], row by row; empty where they were not to be kept. */
  readonly logits: Float32Array;
  /** One number per image for each part, by the name of its score; higher for more out-of-distribution. */
  readonly scores: Readonly<Record<string, Float32Array>>;
}

/**
 * Logits and all scores of a dataset in one pass over its images.
 *
 * @throws OptionError for another normalisation or network than a part was fitted with
 * @throws ShapeError for a part that takes tensors of other sizes than the network's
 * @throws RunError when the model or a score gives a NaN
 */
export async function scoreDataset(
  engine: Engine,
  classifier: Classifier,
  dataset: ImageDataset,
  parts: readonly ScorePart[],
  options: PredictWithOptions = {},
): Promise<ScoredDataset> {
  const model = scoredModel(classifier, parts);
  checkSizes(classifier, parts, imageShape(classifier, dataset.shape));
  for (const part of parts) {
    checkFitted(part, classifier, options.normalization);
    checkResize(part, dataset);
  }
  const names = parts.map(scoreName);
  const { logits, outputs } = await predictWith(engine, classifier, model, names, dataset, options);
  return {
    logits,
    scores: Object.fromEntries(parts.map((part) => [part.score, outputs[scoreName(part)] as Float32Array])),
  };
}
