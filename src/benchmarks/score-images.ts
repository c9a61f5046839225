import type { ImageDataset, Normalization } from "../data/index.js";
import { argmax } from "../metrics/index.js";
import type { Engine } from "../runtime/index.js";
import type { ScoreName } from "../scores/index.js";
import type { Classifier } from "../training/classifier.js";
import { predict } from "../training/predict.js";
import type { Progress } from "../training/progress.js";
import { scoreLogits } from "./score-logits.js";

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

/** Prediction and OOD score of every image of a dataset. */
export async function scoreImages(
  engine: Engine,
  classifier: Classifier,
  images: ImageDataset,
  score: ScoreName,
  options: { normalization?: Normalization | undefined; progress?: Progress; signal?: AbortSignal } = {},
): Promise<ScoredImage[]> {
  const logits = await predict(engine, classifier, images, options);
  const classes = logits.length / images.length;
  const results = await scoreLogits(engine, logits, classes, score === "msp" ? ["msp"] : ["msp", score]);
  const predictions = argmax(logits, classes);
  return Array.from(predictions, (predicted, index) => ({
    image: images.describe(index),
    predicted,
    // The MSP score is minus the largest softmax probability.
    confidence: -(results.msp?.[index] as number),
    score: results[score]?.[index] as number,
  }));
}
