import type { ImageDataset } from "../data/index.js";
import type { Engine } from "../runtime/index.js";
import { type Classifier, imageShape } from "../training/classifier.js";
import { type PredictOptions, predictWith } from "../training/predict.js";
import { checkFittedWith, type ScorePart } from "./score-part.js";
import { checkSizes, scoredModel } from "./scored-model.js";

export interface ScoredDataset {
  /** Float32 [N, K], row by row. */
  readonly logits: Float32Array;
  /** One number per image for each part, by the name of its score; higher for more out-of-distribution. */
  readonly scores: Readonly<Record<string, Float32Array>>;
}

/**
 * Logits and all scores of a dataset in one pass over its images.
 *
 * @throws OptionError for another normalisation than a part was fitted with
 * @throws ShapeError for a part that was fitted to another model
 * @throws RunError when the model gives a NaN
 */
export async function scoreDataset(
  engine: Engine,
  classifier: Classifier,
  dataset: ImageDataset,
  parts: readonly ScorePart[],
  options: PredictOptions = {},
): Promise<ScoredDataset> {
  const model = scoredModel(classifier, parts);
  checkSizes(classifier, parts, imageShape(classifier, dataset.shape));
  for (const part of parts) checkFittedWith(part, options.normalization);
  const names = parts.map(({ score }) => score);
  const { logits, outputs } = await predictWith(engine, classifier, model, names, dataset, options);
  return { logits, scores: outputs };
}
