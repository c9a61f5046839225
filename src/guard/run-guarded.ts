/** Runs a file that `offmap export` has made, over single images. */
import { type ImageDataset, type Normalization, normalize } from "../data/index.js";
import { withChannels } from "../data/planes.js";
import type { Picture } from "../data/types.js";
import { CancelledError, ShapeError } from "../errors.js";
import { argmax } from "../metrics/index.js";
import type { Model, Tensor, ValueInfo } from "../onnx/types.js";
import { type Engine, sessionBytes } from "../runtime/index.js";
import { normalizationFor } from "../training/classifier.js";
import { adjustedOutput, checkCalibratedWith, decisionOutput, pValueOutput } from "./guarded-model.js";
import { imagesInput } from "./preprocess.js";
import { scoreOutput } from "./score-part.js";

export interface GuardedImage {
  /** File or place in a file. */
  readonly image: string;
  /** By the adjusted logits where the model has them; null for an image that the network makes no number of. */
  readonly predicted: number | null;
  /** Higher for more out-of-distribution. */
  readonly score: number;
  /** In [1/(n + 1), 1]; small for images unlike those the model was calibrated with. */
  readonly pValue: number;
  readonly isOod: boolean;
}

/** Whether a model is one that `offmap export` has made. */
export const isGuarded = ({ graph }: Model): boolean => graph.outputs.some(({ name }) => name === decisionOutput);

/** Whether it resizes and normalises images itself: a model's own input may have the same name, but takes no bytes. */
export const preprocesses = ({ graph: { inputs } }: Model): boolean =>
  inputs[0]?.name === imagesInput && inputs[0].dtype === "uint8";

/**
 * @param datasets       images of one size each; for a model that resizes itself, of their own sizes
 * @param normalization  for a model that does not normalise itself; default: the one that it remembers
 * @throws OptionError for another normalisation than it was calibrated with
 */
export async function runGuarded(
  engine: Engine,
  model: Model,
  datasets: readonly ImageDataset[],
  { normalization: given, signal }: { normalization?: Normalization | undefined; signal?: AbortSignal } = {},
): Promise<GuardedImage[]> {
  const input = model.graph.inputs[0];
  const output = model.graph.outputs[0];
  if (input === undefined || output === undefined) {
    throw new ShapeError({ where: "model", expected: "an input and outputs", received: "none" });
  }
  const normalization = normalizationFor({ model }, given);
  if (!preprocesses(model)) checkCalibratedWith(model, normalization);
  const session = await engine.load(sessionBytes(model));
  const results: GuardedImage[] = [];
  try {
    for (const dataset of datasets) {
      for (let index = 0; index < dataset.length; index++) {
        if (signal?.aborted) throw new CancelledError({ problem: "stopped on request" });
        const batch = await dataset.read([index]);
        const dims = [1, ...batch.shape];
        const image: Tensor = preprocesses(model)
          ? channelsLast(inChannels(batch, input, dataset.describe(index)))
          : { dtype: "float32", dims, data: normalize(batch, normalization) };
        const outputs = await session.run({ [input.name]: image });
        const row = (outputs[adjustedOutput] ?? outputs[output.name])?.data as Float32Array;
        results.push({
          image: dataset.describe(index),
          predicted: row.some(Number.isNaN) ? null : (argmax(row, row.length)[0] as number),
          score: outputs[scoreOutput]?.data[0] as number,
          pValue: outputs[pValueOutput]?.data[0] as number,
          isOod: outputs[decisionOutput]?.data[0] === 1,
        });
      }
    }
  } finally {
    await session.release();
  }
  return results;
}

/** The image with as many channels as the input [N, H, W, C] has. @throws ShapeError where they cannot be made */
function inChannels({ data, shape }: Picture, { dims }: ValueInfo, where: string): Picture {
  const wanted = dims?.[3];
  if (typeof wanted !== "number") return { data, shape };
  const converted = withChannels({ data, shape }, wanted);
  if (converted !== undefined) return converted;
  throw new ShapeError({ where, expected: `an image with ${wanted} channels`, received: `one with ${shape[0]}` });
}

/** Planes as uint8 [1, H, W, C]; floats in [0, 1] become bytes. */
function channelsLast({ data: planes, shape }: Picture): Tensor {
  const [channels, height, width] = shape;
  const area = height * width;
  const scale = planes instanceof Uint8Array ? 1 : 255;
  const data = new Uint8Array(planes.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let at = 0; at < area; at++) {
      data[at * channels + channel] = Math.round(scale * (planes[channel * area + at] as number));
    }
  }
  return { dtype: "uint8", dims: [1, height, width, channels], data };
}
