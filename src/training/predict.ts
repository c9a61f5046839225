import type { ImageDataset, Normalization } from "../data/index.js";
import { RunError } from "../errors.js";
import type { Model } from "../onnx/index.js";
import { type Engine, sessionBytes } from "../runtime/index.js";
import { type Classifier, logitsModel, normalizationFor } from "./classifier.js";
import { type Progress, silent } from "./progress.js";
import { runImages } from "./run-images.js";

export interface PredictOptions {
  /** Default: the one that the model remembers, else none. */
  readonly normalization?: Normalization | undefined;
  /** Images per run; default 250. */
  readonly batch?: number | undefined;
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
  return (await predictWith(engine, classifier, logitsModel(classifier), [], dataset, options)).logits;
}

export interface PredictWithOptions extends PredictOptions {
  /** Without, the logits are looked at but not kept, which saves N·K numbers; default true. */
  readonly keepLogits?: boolean;
}

/** Logits of a classifier, and further outputs of one number per image. */
export interface Predictions {
  /** Float32 [N, K], row by row; empty where they were not to be kept. */
  readonly logits: Float32Array;
  /** Float32 [N] by the name of the output. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
}

/**
 * {@link predict} for a model that gives more than the classifier it is made of.
 *
 * @param model  with the classifier's input and logits
 * @param names  of its further outputs, [N] each
 * @throws RunError when the logits or a further output hold a NaN
 */
export async function predictWith(
  engine: Engine,
  classifier: Classifier,
  model: Model,
  names: readonly string[],
  dataset: ImageDataset,
  options: PredictWithOptions = {},
): Promise<Predictions> {
  const { input, logits: logitsName } = classifier;
  const normalization = normalizationFor(classifier, options.normalization);
  const { batch = 250, indices, progress = silent, signal, keepLogits = true } = options;
  const total = indices?.length ?? dataset.length;
  const session = await engine.load(sessionBytes(model));
  const title = `Running the model over ${dataset.name}`;
  const further = Object.fromEntries(names.map((name) => [name, new Float32Array(total)]));
  let logits = new Float32Array(0);
  await runImages(
    { session, input, dataset, indices, normalization, batch, title, progress, signal },
    (outputs, before, count) => {
      const rows = outputs[logitsName]?.data as Float32Array;
      const classes = rows.length / count;
      const describe = (row: number) => dataset.describe(indices?.[before + row] ?? before + row);
      refuseNaN(rows, count, describe);
      if (keepLogits && before === 0) logits = new Float32Array(classes * total);
      if (keepLogits) logits.set(rows, before * classes);
      for (const name of names) {
        const values = outputs[name]?.data as Float32Array;
        refuseNaN(values, count, describe, `a number as ${name}`);
        further[name]?.set(values, before);
      }
    },
  );
  return { logits, outputs: further };
}

/**
 * @param values    one or more for each row
 * @param describe  what an error calls the image of a row
 * @throws RunError for a NaN
 */
export function refuseNaN(
  values: Float32Array,
  rows: number,
  describe: (row: number) => string,
  expected = "finite logits",
): void {
  refuse(Number.isNaN, values, rows, describe, expected);
}

/**
 * {@link refuseNaN} for what is summed, where one infinity makes every sum infinite or NaN.
 *
 * @throws RunError for a value that is not finite
 */
export function refuseInfinite(
  values: Float32Array,
  rows: number,
  describe: (row: number) => string,
  expected: string,
): void {
  refuse((value) => !Number.isFinite(value), values, rows, describe, expected);
}

function refuse(
  isBad: (value: number) => boolean,
  values: Float32Array,
  rows: number,
  describe: (row: number) => string,
  expected: string,
): void {
  const bad = values.findIndex((value) => isBad(value));
  if (bad < 0) return;
  throw new RunError({
    where: describe(Math.floor(bad / (values.length / rows))),
    expected,
    received: String(values[bad]),
    hint: "check --normalize and the model",
  });
}
