import { type ImageDataset, type Normalization, normalize, prefetch, sequentialBatches } from "../data/index.js";
import { CancelledError } from "../errors.js";
import type { Tensor } from "../onnx/types.js";
import type { Session } from "../runtime/index.js";
import type { Progress } from "./progress.js";

export interface ImagesToRun {
  readonly session: Session;
  /** Name of the input that takes the images. */
  readonly input: string;
  readonly dataset: ImageDataset;
  /** Which images; default: all, in order. */
  readonly indices?: Int32Array | undefined;
  readonly normalization: Normalization | undefined;
  /** Images per run. */
  readonly batch: number;
  /** Name of the work, for the progress. */
  readonly title: string;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs a graph over images, in order, and lets go of the session. The next images are decoded while these are in the graph.
 *
 * @param use  gets the outputs of each run, the number of images before it, and its own
 * @throws CancelledError between two runs, after a request to stop
 */
export async function runImages(
  { session, input, dataset, indices, normalization, batch, title, progress, signal }: ImagesToRun,
  use: (outputs: Readonly<Record<string, Tensor>>, before: number, count: number) => void | Promise<void>,
): Promise<void> {
  const total = indices?.length ?? dataset.length;
  progress.start(title, total, "images");
  const batches = prefetch(sequentialBatches(total, batch), async (places) => {
    const images = await dataset.read(indices === undefined ? places : places.map((place) => indices[place] as number));
    return { dtype: "float32", dims: [images.count, ...images.shape], data: normalize(images, normalization) } as const;
  });
  let done = 0;
  try {
    for await (const images of batches) {
      if (signal?.aborted) throw new CancelledError({ problem: "stopped on request" });
      const count = images.dims[0];
      await use(await session.run({ [input]: images }), done, count);
      done += count;
      progress.update(done);
    }
  } finally {
    await session.release();
  }
  progress.finish();
}
