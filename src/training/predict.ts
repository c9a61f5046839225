import { type ImageDataset, type Normalization, normalize } from "../data/index.js";
import { CancelledError, RunError } from "../errors.js";
import { encodeModel } from "../onnx/index.js";
import type { Engine } from "../runtime/index.js";
import { type Classifier, logitsModel } from "./classifier.js";
import { type Progress, silent } from "./progress.js";

export interface PredictOptions {
  readonly normalization?: Normalization | undefined;
  /** Images per run; default 250. */
  readonly batch?: number;
  /** Which images; default: all, in order. */
  readonly indices?: ArrayLike<number>;
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
  const { normalization, batch = 250, progress = silent, signal } = options;
  const indices = options.indices ?? Int32Array.from({ length: dataset.length }, (_, index) => index);
  const session = await engine.load(encodeModel(logitsModel(classifier)));
  const total = indices.length;
  progress.start(`Running the model over ${dataset.name}`, total, "images");
  const prepare = async (from: number) => {
    const part = Array.prototype.slice.call(indices, from, from + batch) as number[];
    const images = await dataset.read(part);
    return { dtype: "float32", dims: [images.count, ...images.shape], data: normalize(images, normalization) } as const;
  };
  let result = new Float32Array(0);
  try {
    let next = prepare(0);
    for (let from = 0; from < total; from += batch) {
      if (signal?.aborted) throw new CancelledError({ problem: "stopped on request" });
      const feed = await next;
      // The next images are decoded while these are in the model.
      if (from + batch < total) next = prepare(from + batch);
      const outputs = await session.run({ [classifier.input]: feed });
      const logits = outputs[classifier.logits]?.data as Float32Array;
      if (from === 0) result = new Float32Array((logits.length / feed.dims[0]) * total);
      result.set(logits, from * (result.length / total));
      progress.update(Math.min(total, from + batch));
    }
  } finally {
    await session.release();
  }
  progress.finish();
  const bad = result.findIndex((value) => Number.isNaN(value));
  if (bad >= 0) {
    const index = Math.floor(bad / (result.length / total));
    throw new RunError({
      where: dataset.describe(indices[index] as number),
      expected: "finite logits",
      received: "NaN",
      hint: "check --normalize and the model",
    });
  }
  return result;
}
