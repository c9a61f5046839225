import { type ImageDataset, type Normalization, normalize, prefetch, sequentialBatches } from "../data/index.js";
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
  const { normalization, batch = 250, progress = silent, signal } = options;
  const indices = options.indices ?? Int32Array.from({ length: dataset.length }, (_, index) => index);
  const total = indices.length;
  const session = await engine.load(encodeModel(logitsModel(classifier)));
  progress.start(`Running the model over ${dataset.name}`, total, "images");
  // The next images are decoded while these are in the model.
  const batches = prefetch(sequentialBatches(total, batch), async (places) => {
    const images = await dataset.read(places.map((place) => indices[place] as number));
    return { dtype: "float32", dims: [images.count, ...images.shape], data: normalize(images, normalization) } as const;
  });
  let result = new Float32Array(0);
  let done = 0;
  try {
    for await (const images of batches) {
      if (signal?.aborted) throw new CancelledError({ problem: "stopped on request" });
      const outputs = await session.run({ [classifier.input]: images });
      const logits = outputs[classifier.logits]?.data as Float32Array;
      const classes = logits.length / images.dims[0];
      if (done === 0) result = new Float32Array(classes * total);
      result.set(logits, done * classes);
      done += images.dims[0];
      progress.update(done);
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
