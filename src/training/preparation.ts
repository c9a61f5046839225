/** Everything a fine-tuning run finds out before its first step: what the model is, how it sees both sets, which margins fit it. */
import { readFile } from "node:fs/promises";
import {
  checkClassCount,
  createGenerator,
  holdOut,
  type ImageDataset,
  type Normalization,
  openDataset,
} from "../data/index.js";
import { DataError, FormatError, OptionError } from "../errors.js";
import { type BalancedEnergyOptions, type LossDefinition, losses } from "../losses/index.js";
import { accuracy, argmax } from "../metrics/index.js";
import { readModel } from "../onnx/index.js";
import { asClassifier, type Classifier, imageShape, normalizationFor, shapeHint } from "./classifier.js";
import { gammaFor } from "./gamma.js";
import { type ChosenMargins, fitMargins } from "./margins.js";
import { planTraining, type TrainingPlan } from "./plan.js";
import type { Predictions } from "./predictions.js";
import { describePrior, type Prior, priorFromLogits } from "./prior.js";
import { meanPriorWeight } from "./statistics.js";
import type { ResolvedTuneOptions } from "./tune-options.js";

/** The opened model and data. */
export interface TuneInputs {
  readonly classifier: Classifier;
  readonly plan: TrainingPlan;
  readonly normalization: Normalization | undefined;
  readonly id: ImageDataset;
  readonly outliers: ImageDataset | undefined;
  /** In-distribution images that are trained on, and those kept out to watch accuracy. */
  readonly trainIndices: Int32Array;
  readonly heldIndices: Int32Array;
}

/** What was measured on the untouched model; part of every checkpoint, so that a resumed run need not measure again. */
export interface Preparation {
  readonly prior: Prior | null;
  readonly margins: ChosenMargins | null;
  readonly lossOptions: object;
  readonly accuracyBefore: number;
}

/** Images the energy quantiles and the accuracy on training images are taken from, at most. */
const sampleSize = 5000;
const defaultHoldOut = 0.05;

export async function openInputs(options: ResolvedTuneOptions): Promise<TuneInputs> {
  const classifier = asClassifier(await readModel(options.model), options.model);
  const normalization = normalizationFor(classifier, options.normalization);
  const id = await openDataset(options.id, shapeHint(classifier));
  const shape = imageShape(classifier, id.shape);
  const outliers =
    options.outliers === undefined ? undefined : await openDataset(options.outliers, { shape, ignoreLabels: true });
  if (outliers === undefined && options.loss !== "ce") {
    throw new OptionError({
      where: "--outliers",
      expected: `a dataset of outliers for the loss ${options.loss}`,
      received: "none",
      hint: "give a folder of images that show none of the classes, or --loss ce",
    });
  }
  const plan = planTraining(classifier, shape, options.train);
  if (id.labels === undefined) {
    throw new DataError({
      where: options.id,
      expected: "labelled in-distribution images",
      received: "images without labels",
      hint: "put them into one folder per class, or use a list with labels",
    });
  }
  checkClassCount(id, plan.classes);
  // Of a handful of images none can be spared.
  const spare = options.shuffle && id.length * defaultHoldOut >= 1;
  const share = options.holdOut ?? (spare ? defaultHoldOut : 0);
  const everything = Int32Array.from({ length: id.length }, (_, index) => index);
  const split =
    share === 0
      ? { train: everything, held: new Int32Array(0) }
      : holdOut(id.labels, share, createGenerator(options.seed).fork("hold-out"));
  return { classifier, plan, normalization, id, outliers, trainIndices: split.train, heldIndices: split.held };
}

/**
 * Measures prior, margins and accuracy on the untouched model.
 *
 * @param predictions  of the untouched model
 */
export async function prepare(
  predictions: Predictions,
  inputs: TuneInputs,
  options: ResolvedTuneOptions,
): Promise<Preparation> {
  const { plan, id, outliers } = inputs;
  const loss = losses[options.loss] as LossDefinition<object>;
  const watched = watchedIndices(inputs);
  const watchedLogits = await predictions("id", watched);
  const accuracyBefore = accuracyOf(watchedLogits, plan.classes, id, watched);

  let outlierLogits: Float32Array | undefined;
  let prior: Prior | null = null;
  if (loss.usesPrior && outliers !== undefined) {
    if (options.prior !== undefined) prior = await readPrior(options.prior, plan.classes);
    if (prior === null || options.mOut === "auto") {
      outlierLogits = await predictions("outliers");
      prior ??= priorFromLogits(outlierLogits, plan.classes, id.classNames);
    }
  }
  const balance = prior === null ? undefined : balanceOptions(options, prior);
  let margins: ChosenMargins | null = null;
  if (loss.hasMargins) {
    const { mIn, mOut } = options;
    const lift =
      prior === null || balance === undefined || outlierLogits === undefined
        ? 0
        : balance.alpha * meanPriorWeight(outlierLogits, prior.prior, balance.gamma);
    const logits = mIn === "auto" ? await predictions("id", trainSample(inputs, options.seed)) : new Float32Array(0);
    margins = fitMargins(logits, plan.classes, lift, { mIn, mOut });
  }
  const chosen = margins === null ? {} : { mIn: margins.mIn, mOut: margins.mOut };
  return {
    prior,
    margins,
    lossOptions: { ...loss.defaults, ...balance, ...chosen },
    accuracyBefore,
  };
}

/** The images accuracy is watched on: those held out, else training images. */
export function watchedIndices({ heldIndices, trainIndices }: TuneInputs): Int32Array {
  if (heldIndices.length > 0) return heldIndices;
  // Evenly spread, because datasets often lie in class order.
  const count = Math.min(sampleSize, trainIndices.length);
  return Int32Array.from(
    { length: count },
    (_, place) => trainIndices[Math.floor((place * trainIndices.length) / count)] as number,
  );
}

function trainSample({ trainIndices }: TuneInputs, seed: number): Int32Array {
  if (trainIndices.length <= sampleSize) return trainIndices;
  const order = createGenerator(seed).fork("margins").permutation(trainIndices.length);
  return order
    .slice(0, sampleSize)
    .map((place) => trainIndices[place] as number)
    .sort();
}

/** Share of right predictions in [0, 1]. */
export function accuracyOf(
  logits: Float32Array,
  classes: number,
  { labels }: ImageDataset,
  indices: Int32Array,
): number {
  return accuracy(
    argmax(logits, classes),
    indices.map((index) => labels?.[index] as number),
  );
}

function balanceOptions(
  options: ResolvedTuneOptions,
  prior: Prior,
): Partial<BalancedEnergyOptions> & { alpha: number; gamma: number } {
  const gamma = options.gamma === "auto" ? gammaFor(prior) : options.gamma;
  return {
    alpha: options.alpha,
    gamma,
    gammaWeight: options.gammaWeight ?? gamma,
    normalization: options.balanceBy,
    detachZ: options.detachZ,
  };
}

/** Reads a file that `offmap prior --out` wrote, or any JSON with `counts` or `prior`. */
export async function readPrior(path: string, classes: number): Promise<Prior> {
  let found: { counts?: unknown; prior?: unknown };
  try {
    found = JSON.parse(await readFile(path, "utf8")) as typeof found;
  } catch (cause) {
    throw new FormatError({
      where: path,
      expected: "a JSON file written by `offmap prior`",
      received: String(cause),
      cause,
    });
  }
  const values = found.counts ?? found.prior ?? found;
  if (
    !Array.isArray(values) ||
    !values.every((value) => typeof value === "number" && Number.isFinite(value) && value >= 0)
  ) {
    throw new FormatError({
      where: path,
      expected: "a list of numbers of at least 0 named counts or prior",
      received: "something else",
    });
  }
  if (values.length !== classes || !values.some((value) => value > 0)) {
    throw new DataError({
      where: path,
      expected: `one number for each of the model's ${classes} classes, not all 0`,
      received: `${values.length} numbers`,
      hint: "measure it again with `offmap prior` on this model",
    });
  }
  return describePrior(values as number[]);
}
