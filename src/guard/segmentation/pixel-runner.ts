/** Runs a segmentation network with scores on top over images one by one, whatever their size. */
import {
  type Normalization,
  normalize,
  prefetch,
  resizePicture,
  type Scene,
  type SegmentationDataset,
  type Size,
} from "../../data/index.js";
import { CancelledError, ShapeError } from "../../errors.js";
import type { Model, Tensor } from "../../onnx/types.js";
import { type Progress, silent } from "../../progress.js";
import { type Engine, RecentSessions, type Session, sessionBytes } from "../../runtime/index.js";
import { type Classifier, normalizationFor } from "../../training/classifier.js";
import type { PixelShapes } from "../../training/segmentation/segmenter.js";
import { inputSize, pixelShapes } from "./pixel-network.js";

export interface RunScenesOptions {
  /** Default: the one that the model remembers, else none. */
  readonly normalization?: Normalization | undefined;
  /** Which images; default: all, in order. */
  readonly indices?: readonly number[] | undefined;
  readonly progress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is needed of a dataset to run a network over it; of its labels only the size. */
export type ScenesToRun = Pick<SegmentationDataset, "name" | "length" | "readOne">;

/** One image and what the network gave for it. */
export interface SceneOutputs {
  readonly index: number;
  readonly scene: Scene;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/**
 * Runs a model over every scene. Images are brought to the size that the model takes; the model is made for the size of each scene's labels, and
 * a session kept for each of the last sizes. Scenes are read while others are run.
 *
 * @param build  the model for scenes of a size, with the input of `classifier`
 * @param use    gets the outputs of each scene, in order
 * @throws ShapeError for a network that takes no colour images
 * @throws CancelledError between two images, after a request to stop
 */
export async function runScenes(
  engine: Engine,
  classifier: Classifier,
  dataset: ScenesToRun,
  build: (shapes: PixelShapes, size: Size) => Model,
  { normalization: given, indices, progress = silent, signal }: RunScenesOptions,
  use: (result: SceneOutputs) => void | Promise<void>,
): Promise<void> {
  if (![undefined, 3].includes(classifier.shape[0])) {
    throw new ShapeError({
      where: `input "${classifier.input}"`,
      expected: "colour images [N, 3, height, width]",
      received: `${classifier.shape[0]} channels`,
    });
  }
  const normalization = normalizationFor(classifier, given);
  const order = indices ?? Array.from({ length: dataset.length }, (_, index) => index);
  const sessions = new RecentSessions(engine);
  const sessionFor = (scene: Size): Promise<Session> =>
    sessions.get(`${scene.height} ${scene.width}`, () => {
      const shapes = pixelShapes(classifier, inputSize(classifier, scene));
      return sessionBytes(build(shapes, scene));
    });
  progress.start(`Running the model over ${dataset.name}`, order.length, "images");
  try {
    let done = 0;
    for await (const { index, scene } of prefetch(order, async (index) => ({
      index,
      scene: await dataset.readOne(index),
    }))) {
      if (signal?.aborted) throw new CancelledError({ problem: "stopped on request" });
      const session = await sessionFor({ height: scene.height, width: scene.width });
      const feeds = { [classifier.input]: imageTensor(scene, inputSize(classifier, scene), normalization) };
      await use({ index, scene, outputs: await session.run(feeds) });
      progress.update(++done);
    }
  } finally {
    await sessions.close();
  }
  progress.finish();
}

/** One image as the model takes it, float32 [1, 3, H, W]. */
function imageTensor(scene: Scene, { height, width }: Size, normalization: Normalization | undefined): Tensor {
  const shape = [3, scene.height, scene.width] as const;
  const same = scene.height === height && scene.width === width;
  const data = same
    ? scene.image
    : (resizePicture({ data: scene.image, shape }, height, width, "stretch").data as Uint8Array);
  return {
    dtype: "float32",
    dims: [1, 3, height, width],
    data: normalize({ data, count: 1, shape: [3, height, width] }, normalization),
  };
}
