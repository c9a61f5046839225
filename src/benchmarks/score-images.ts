import type { ImageDataset } from "../data/index.js";
import { readyPart, type ScorePart, scoreDataset } from "../guard/index.js";
import { argmax } from "../metrics/index.js";
import type { Engine } from "../runtime/index.js";
import type { ScoreName } from "../scores/index.js";
import { type Classifier, imageShape, inferShapes } from "../training/classifier.js";
import type { PredictOptions } from "../training/predict.js";

/** What a model says about one image. */
export interface ScoredImage {
  /** File or place in a file. */
  readonly image: string;
  /** Index of the predicted class. */
  readonly predicted: number;
  /** Softmax probability of the predicted class, in [0, 1]. */
  readonly confidence: number;
  /** OOD score, higher for more out-of-distribution. */
  readonly score: number;
}

/**
 * Prediction and OOD score of every image of a dataset.
 *
 * @param score  a fitted score, or the name of one that needs no fit
 */
export async function scoreImages(
  engine: Engine,
  classifier: Classifier,
  images: ImageDataset,
  score: ScoreName | ScorePart,
  options: Omit<PredictOptions, "indices"> = {},
): Promise<ScoredImage[]> {
  const { classes } = inferShapes(classifier, imageShape(classifier, images.shape));
  const part = typeof score === "string" ? readyPart(score, classes) : score;
  const confidence = readyPart("msp", classes);
  const parts = part.score === "msp" ? [part] : [confidence, part];
  const { logits, scores } = await scoreDataset(engine, classifier, images, parts, options);
  const predictions = argmax(logits, classes);
  return Array.from(predictions, (predicted, index) => ({
    image: images.describe(index),
    predicted,
    // The MSP score is minus the largest softmax probability.
    confidence: -(scores.msp?.[index] as number),
    score: scores[part.score]?.[index] as number,
  }));
}
