import type { ImageDataset, Normalization } from "../data/index.js";
import { RunError } from "../errors.js";
import { encodeModel } from "../onnx/index.js";
import type { Engine } from "../runtime/index.js";
import { type Classifier, logitsModel } from "./classifier.js";
import { type Progress, silent } from "./progress.js";
import { runImages } from "./run-images.js";

export interface PredictOptions {
  readonly normalization?: Normalization | undefined;
  /** Images per run; default 250. */
  readonly batch?: number;
  /** Which images; default: all, in order. */
  readonly indices?: Int32Array;
  readonly progress?: Progress;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a classifier over images.
 *
 * @returns logits, float32 [N, K] row by row
 * @throws RunError when the model gives a NaN
 */
export async function predict(
  engine: Engine,
  classifier: Classifier,
  dataset: ImageDataset,
  options: PredictOptions = {},
): Promise<Float32Array> {
  const { normalization, batch = 250, indices, progress = silent, signal } = options;
  const total = indices?.length ?? dataset.length;
  const session = await engine.load(encodeModel(logitsModel(classifier)));
  const title = `Running the model over ${dataset.name}`;
  const { input } = classifier;
  let result = new Float32Array(0);
  await runImages(
    { session, input, dataset, indices, normalization, batch, title, progress, signal },
    (outputs, before, count) => {
      const logits = outputs[classifier.logits]?.data as Float32Array;
      const classes = logits.length / count;
      if (before === 0) result = new Float32Array(classes * total);
      result.set(logits, before * classes);
    },
  );
  refuseNaN(result, total, (row) => dataset.describe(indices?.[row] ?? row));
  return result;
}

/** @param describe  what an error calls the image of a row */
export function refuseNaN(logits: Float32Array, rows: number, describe: (row: number) => string): void {
  const bad = logits.findIndex((value) => Number.isNaN(value));
  if (bad < 0) return;
  throw new RunError({
    where: describe(Math.floor(bad / (logits.length / rows))),
    expected: "finite logits",
    received: "NaN",
    hint: "check --normalize and the model",
  });
}
