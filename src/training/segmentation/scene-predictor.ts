import {
  type Normalization,
  type SceneBatch,
  type SegmentationDataset,
  type Size,
  sequentialBatches,
} from "../../data/index.js";
import { CancelledError, ShapeError } from "../../errors.js";
import { GraphBuilder, minimumOpset } from "../../graph/builder.js";
import { importGraph } from "../../graph/import.js";
import type { Model } from "../../onnx/types.js";
import { type Expr, slice } from "../../ops/index.js";
import { type Engine, RecentSessions, sessionBytes } from "../../runtime/index.js";
import { type Progress, silent } from "../progress.js";
import { resizeLogits } from "./resize-logits.js";
import { scenePixels } from "./scene-source.js";
import type { Segmenter } from "./segmenter.js";

const classOutput = "class_logits";
/** Scenes in one run, where they are of one size: so many, or so many pixels, which bounds the memory that a wide network takes. */
const most = { scenes: 4, pixels: 2 ** 20 };

export const scenesPerRun = ({ height, width }: Size): number =>
  Math.max(1, Math.min(most.scenes, Math.floor(most.pixels / (height * width))));

/** Runs a segmentation network over scenes: logits of the classes alone, at the size of the image. */
export class ScenePredictor {
  private readonly sessions: RecentSessions;

  constructor(
    engine: Engine,
    private readonly segmenter: Segmenter,
    private readonly normalization: Normalization | undefined,
  ) {
    this.sessions = new RecentSessions(engine);
  }

  /** @returns float32 [N, K, H, W] */
  async logits(scenes: Pick<SceneBatch, "images">): Promise<Float32Array> {
    const pixels = scenePixels(scenes, this.normalization);
    const { dims } = pixels;
    const session = await this.sessions.get(dims.join(), () => sessionBytes(classLogits(this.segmenter, dims)));
    return (await session.run({ [this.segmenter.input]: pixels }))[classOutput]?.data as Float32Array;
  }

  close(): Promise<void> {
    return this.sessions.close();
  }
}

/**
 * The network for images of one size, with logits [N, K, H, W] as its only output.
 *
 * @throws ShapeError for a model that takes images of another size
 */
function classLogits({ upgraded, input, logits, classes, shape, where }: Segmenter, dims: readonly number[]): Model {
  const [, ...size] = dims as [number, number, number, number];
  if (shape.some((own, axis) => own !== undefined && own !== size[axis])) {
    throw new ShapeError({
      where: `${where}, input "${input}"`,
      expected: `images [${shape.map((own) => own ?? "any").join(", ")}]`,
      received: `[${size.join(", ")}]`,
      hint: "bring the images to that size with size=HEIGHTxWIDTH in the dataset",
    });
  }
  const builder = new GraphBuilder(Math.max(minimumOpset, upgraded.opset));
  const bound = new Map([[input, builder.input(input, "float32", dims)]]);
  const { values } = importGraph(builder, upgraded.graph, { bound, outputs: [logits] });
  const all = resizeLogits(values.get(logits) as Expr, size[1], size[2]);
  const own = all.dims[1] === classes ? all : slice(all, { axes: [1], starts: [0], ends: [classes] });
  return builder.model({ [classOutput]: own }, "class logits");
}

export interface RunOverScenes {
  readonly title: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Which scenes; default: all, in order. */
  readonly indices?: Int32Array;
}

/**
 * Runs a network over a dataset, scenes of one size a few at a time.
 *
 * @param use  gets each scene's logits [K, H, W] and labels [H, W], and its index
 * @throws CancelledError between two runs, after a request to stop
 */
export async function predictScenes(
  predictor: ScenePredictor,
  dataset: SegmentationDataset,
  { title, progress = silent, signal, indices }: RunOverScenes,
  use: (logits: Float32Array, labels: Uint8Array, index: number) => void,
): Promise<void> {
  const total = indices?.length ?? dataset.length;
  progress.start(title, total, "images");
  let done = 0;
  const [, height, width] = dataset.shape ?? [];
  const together = height === undefined || width === undefined ? 1 : scenesPerRun({ height, width });
  for (const places of sequentialBatches(total, together)) {
    if (signal?.aborted) throw new CancelledError({ problem: "stopped on request" });
    const chosen = indices === undefined ? places : places.map((place) => indices[place] as number);
    const scenes = await dataset.read(chosen);
    const logits = await predictor.logits(scenes);
    const [perScene, pixels] = [logits.length / chosen.length, scenes.labels.length / chosen.length];
    chosen.forEach((index, place) => {
      const own = logits.subarray(place * perScene, (place + 1) * perScene);
      use(own, scenes.labels.subarray(place * pixels, (place + 1) * pixels), index);
    });
    done += chosen.length;
    progress.update(done);
  }
  progress.finish();
}

/** Class of the largest logit of each pixel; of equals the first. @param logits  [K, H, W] */
export function pixelClasses(logits: Float32Array, classes: number): Uint8Array {
  const pixels = logits.length / classes;
  const top = logits.slice(0, pixels);
  const found = new Uint8Array(pixels);
  for (let c = 1; c < classes; c++) {
    for (let pixel = 0, at = c * pixels; pixel < pixels; pixel++, at++) {
      if ((logits[at] as number) > (top[pixel] as number)) {
        top[pixel] = logits[at] as number;
        found[pixel] = c;
      }
    }
  }
  return found;
}
