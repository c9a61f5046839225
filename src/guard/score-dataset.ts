import type { ImageDataset } from "../data/index.js";
import { encodeModel } from "../onnx/index.js";
import type { Engine } from "../runtime/index.js";
import type { Classifier } from "../training/classifier.js";
import { type PredictOptions, refuseNaN } from "../training/predict.js";
import { silent } from "../training/progress.js";
import { runImages } from "../training/run-images.js";
import type { ScorePart } from "./score-part.js";
import { scoredModel } from "./scored-model.js";

export interface ScoredDataset {
  /** Float32 [N, K], row by row. */
  readonly logits: Float32Array;
  /** One number per image for each part, by the name of its score; higher for more out-of-distribution. */
  readonly scores: Readonly<Record<string, Float32Array>>;
}

/**
 * Logits and all scores of a dataset in one pass over its images.
 *
 * @throws RunError when the model gives a NaN
 */
export async function scoreDataset(
  engine: Engine,
  classifier: Classifier,
  dataset: ImageDataset,
  parts: readonly ScorePart[],
  options: PredictOptions = {},
): Promise<ScoredDataset> {
  const { normalization, batch = 250, indices, progress = silent, signal } = options;
  const total = indices?.length ?? dataset.length;
  const session = await engine.load(encodeModel(scoredModel(classifier, parts)));
  const title = `Running the model over ${dataset.name}`;
  const scores = Object.fromEntries(parts.map(({ score }) => [score, new Float32Array(total)]));
  let logits = new Float32Array(0);
  const { input } = classifier;
  await runImages(
    { session, input, dataset, indices, normalization, batch, title, progress, signal },
    (outputs, before, count) => {
      const rows = outputs[classifier.logits]?.data as Float32Array;
      const classes = rows.length / count;
      if (before === 0) logits = new Float32Array(classes * total);
      logits.set(rows, before * classes);
      for (const { score } of parts) scores[score]?.set(outputs[score]?.data as Float32Array, before);
    },
  );
  refuseNaN(logits, total, (row) => dataset.describe(indices?.[row] ?? row));
  return { logits, scores };
}
