/** Graphs with something to feed them, for `offmap profile`: a model's inference, and the training step of a finished run. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createGenerator, openDataset } from "../data/index.js";
import { FormatError, OptionError } from "../errors.js";
import { type LossDefinition, losses } from "../losses/index.js";
import { readModel } from "../onnx/index.js";
import { elementCount, type Tensor, type ValueInfo } from "../onnx/types.js";
import { tensorOf } from "../ops/index.js";
import { blockSize, type EngineOptions, type Feeds, LocalEngine, sessionBytes } from "../runtime/index.js";
import { asClassifier, type Classifier, imageShape, logitsModel, shapeHint } from "./classifier.js";
import { planTraining } from "./plan.js";
import { changesImages } from "./run-training.js";
import { buildTrainingStep } from "./step.js";
import { stepInputs } from "./step-inputs.js";
import { rowsOf } from "./step-network.js";
import { type ResolvedTuneOptions, resolveTuneOptions } from "./tune-options.js";

export interface TimedGraph {
  /** The bytes of an ONNX file. */
  readonly model: Uint8Array;
  readonly feeds: Feeds;
}

/** What runs together: a model, or the frozen and the trained part of a training step. */
export interface TimedWork {
  /** By the name of the part. */
  readonly parts: Readonly<Record<string, TimedGraph>>;
  /** Images in one run. */
  readonly images: number;
  /** What it is, in words. */
  readonly title: string;
  /** Threads for one operator that a run was told to use. */
  readonly threads?: number;
}

/**
 * Inference of a classifier on noise.
 *
 * @param shape  channels, height and width; needed where the model takes any
 */
export async function inferenceGraph(
  path: string,
  { batch, shape }: { batch: number; shape?: readonly number[] | undefined },
): Promise<TimedWork> {
  const classifier = asClassifier(await readModel(path), path);
  const sizes = classifier.shape.map((own, axis) => own ?? shape?.[axis]);
  if (sizes.includes(undefined)) {
    throw new OptionError({
      where: "--shape",
      expected: `channels, height and width, as ${path} takes images of any size`,
      received: "none",
      hint: "give the size of your images, such as --shape 3,224,224",
    });
  }
  const feeds = { [classifier.input]: noise([batch, ...(sizes as number[])]) };
  return { parts: { model: { model: sessionBytes(logitsModel(classifier)), feeds } }, images: batch, title: path };
}

/**
 * One training step as the run in a folder makes it: its model, trained part, loss, BatchNorm mode and batch sizes, on noise. Values that
 * cost nothing, such as margins and the prior, are the loss's defaults. The frozen part is there when the run takes every batch through it,
 * which is when images are augmented.
 */
export async function stepGraph(folder: string): Promise<TimedWork> {
  const options = resolveTuneOptions(await optionsOf(folder));
  // The run's own file, as the original may have moved.
  const path = join(folder, "model.onnx");
  const classifier = asClassifier(await readModel(path), path);
  const shape = await shapeOf(classifier, options);
  const plan = planTraining(classifier, shape, options.train);
  const loss = losses[options.loss] as LossDefinition<object>;
  const outlierBatch = options.outliers === undefined ? 0 : options.outlierBatch;
  const lossOptions = { ...loss.defaults, ...options.lossOptions, mIn: -10, mOut: -3 };
  const classCounts = new Array<number>(plan.classes).fill(1);
  const isPasted = outlierBatch > 0 && loss.pastedClasses?.(classCounts, lossOptions) !== undefined;
  const sizes = {
    batch: options.batch * (loss.views ?? 1),
    ...(isPasted ? { pastedBatch: options.batch } : {}),
    outlierBatch,
  };
  const { labelSmoothing, logitAdjustment, priorMomentum, average, dropout } = options;
  const step = buildTrainingStep({
    model: classifier.upgraded,
    logits: classifier.logits,
    partition: plan.partition,
    parameters: plan.parameters,
    ...{ loss, lossOptions, classCounts, priorMomentum, average, dropout, ...sizes },
    fit: { labelSmoothing, logitAdjustment },
    mixed: options.mixup !== undefined,
    weight: options.weight,
    prior: new Array<number>(plan.classes).fill(1 / plan.classes),
    batchNorm: options.batchNorm,
    seed: options.seed,
    optimizer: options.optimizer,
    optimizerOptions: { momentum: options.momentum, weightDecay: options.weightDecay },
    rows: plan.rows,
    block: await blockSize(new LocalEngine()),
  });
  const images = rowsOf(sizes);
  const parts: Record<string, TimedGraph> = {};
  if (plan.prefix !== undefined && changesImages(options)) {
    const feeds = { [classifier.input]: noise([images, ...shape]) };
    parts["frozen part"] = { model: sessionBytes(plan.prefix), feeds };
  }
  const features = [...plan.rows].map(([name, dims]) => [name, noise([images, ...dims])] as const);
  const given: Record<string, Tensor> = {
    ...step.variables,
    ...Object.fromEntries(features),
    [stepInputs.learningRate]: { dtype: "float32", dims: [], data: Float32Array.of(options.learningRate) },
    [stepInputs.optimizerNumbers]: tensorOf(step.optimizerNumbers(1)),
  };
  const wanted = step.model.graph.inputs.map((input) => [
    input.name,
    given[input.name] ?? anyValue(input, plan.classes),
  ]);
  parts["trained part"] = { model: sessionBytes(step.model), feeds: Object.fromEntries(wanted) };
  const { train, batchNorm, batch, engine } = options;
  const title = `a step of ${folder}: ${options.loss}, --train ${train}, --bn ${batchNorm}, ${batch} + ${outlierBatch} images`;
  return { parts, images, title, ...threadsOf(engine) };
}

async function optionsOf(folder: string): Promise<ResolvedTuneOptions> {
  const where = join(folder, "run.json");
  let record: { options?: ResolvedTuneOptions } | null;
  try {
    record = JSON.parse(await readFile(where, "utf8")) as typeof record;
  } catch (cause) {
    throw new FormatError({
      where,
      expected: "the record of a run that `offmap tune` finished",
      received: (cause as { code?: string }).code === "ENOENT" ? "no such file" : (cause as Error).message,
      cause,
    });
  }
  if (typeof record?.options?.loss !== "string" || !Object.hasOwn(losses, record.options.loss)) {
    throw new FormatError({ where, expected: "the options of a run", received: "a record without them" });
  }
  return record.options;
}

const threadsOf = ({ threads }: EngineOptions = {}) => (threads === undefined ? {} : { threads });

/** The model's own image size, else that of the run's images. */
async function shapeOf(classifier: Classifier, { id }: ResolvedTuneOptions): Promise<[number, number, number]> {
  if (!classifier.shape.includes(undefined)) return imageShape(classifier, [0, 0, 0]);
  return imageShape(classifier, (await openDataset(id, shapeHint(classifier))).shape);
}

/** Labels, numbers of dropout and shares of mixtures: each of the type and size that the step takes. */
function anyValue({ dtype, dims }: ValueInfo, classes: number): Tensor {
  const sizes = dims as readonly number[];
  if (dtype !== "int64") return noise(sizes);
  const data = BigInt64Array.from({ length: elementCount(sizes) }, (_, index) => BigInt(index % classes));
  return { dtype, dims: sizes, data };
}

function noise(dims: readonly number[]): Tensor {
  const generator = createGenerator(1);
  const data = Float32Array.from({ length: elementCount(dims) }, () => 2 * generator.uniform() - 1);
  return { dtype: "float32", dims, data };
}
