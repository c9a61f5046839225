/** Everything a run finds out before its first step: how the model sees both sets, and which margins fit it. */
import { createGenerator, type ImageDataset } from "../data/index.js";
import { OptionError } from "../errors.js";
import { type BalancedEnergyOptions, type LossDefinition, losses } from "../losses/index.js";
import { checkRanges } from "../losses/ranges.js";
import { accuracy, argmax } from "../metrics/index.js";
import { gammaFor } from "./gamma.js";
import { type ChosenMargins, fitMargins } from "./margins.js";
import type { Predictions } from "./predictions.js";
import { describePrior, type Prior, priorFromLogits } from "./prior.js";
import { readPrior } from "./prior-file.js";
import { type RunInputs, watchedIndices } from "./run-inputs.js";
import { meanPriorWeight } from "./statistics.js";
import { type ChosenAccuracy, givenAccuracy, measuredAccuracy } from "./training-accuracy.js";
import type { ResolvedTrainingOptions } from "./training-options.js";

/** What was measured on the model before training; part of every checkpoint, so that a resumed run need not measure again. */
export interface Preparation {
  readonly prior: Prior | null;
  readonly margins: ChosenMargins | null;
  /** Present for a loss that looks at the accuracy before this training, `accuracyOption`. */
  readonly trainingAccuracy?: ChosenAccuracy;
  readonly lossOptions: object;
  /** Null for a network that has not learned anything yet. */
  readonly accuracyBefore: number | null;
}

/** Images the energy quantiles are taken from, at most. */
const sampleSize = 5000;

/**
 * Measures prior, margins and accuracies on the untouched model.
 *
 * @param predictions  of the untouched model
 */
export async function prepare(
  predictions: Predictions,
  inputs: RunInputs,
  options: ResolvedTrainingOptions,
): Promise<Preparation> {
  const { plan, id, outliers, trainIndices } = inputs;
  const loss = losses[options.loss] as LossDefinition<object>;
  const told = furtherOptions(options);
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
  const { accuracyOption } = loss;
  const lossOptions = { ...loss.defaults, ...balance, ...chosen, ...told };
  if (accuracyOption === undefined) return { prior, margins, lossOptions, accuracyBefore };
  const measure = async () => {
    const logits = await predictions("id", trainIndices);
    return measuredAccuracy(accuracyOf(logits, plan.classes, id, trainIndices), trainIndices.length);
  };
  const trainingAccuracy = givenAccuracy(accuracyOption, told) ?? (await measure());
  return {
    ...{ prior, margins, trainingAccuracy, accuracyBefore },
    lossOptions: { ...lossOptions, [accuracyOption]: trainingAccuracy.value },
  };
}

/**
 * The same for a network that has not learned anything yet: nothing can be measured on it. A prior is flat unless it is given.
 *
 * @throws OptionError for margins, a gamma or an accuracy that are to fit the network
 */
export async function prepareUntrained(classes: number, options: ResolvedTrainingOptions): Promise<Preparation> {
  const loss = losses[options.loss] as LossDefinition<object>;
  const told = furtherOptions(options);
  const { accuracyOption } = loss;
  const trainingAccuracy = accuracyOption === undefined ? undefined : givenAccuracy(accuracyOption, told);
  if (accuracyOption !== undefined && trainingAccuracy === undefined) {
    throw new OptionError({
      where: "--loss-option",
      expected: `${accuracyOption}=NUMBER, as there is no trained model yet whose accuracy could be measured`,
      received: "none",
      hint: "train with --loss ce, then use `offmap tune`",
    });
  }
  const { mIn, mOut, gamma } = options;
  if ((loss.hasMargins && (mIn === "auto" || mOut === "auto")) || (loss.usesPrior && gamma === "auto")) {
    throw new OptionError({
      where: "--m-in, --m-out and --gamma",
      expected: "numbers, as there is no trained model yet that they could be fitted to",
      received: "auto",
      hint: "train with --loss ce, then use `offmap tune`",
    });
  }
  let prior: Prior | null = null;
  if (loss.usesPrior) {
    prior =
      options.prior === undefined
        ? describePrior(new Array<number>(classes).fill(1))
        : await readPrior(options.prior, classes);
  }
  const balance = prior === null ? {} : balanceOptions(options, prior);
  const lossOptions = {
    ...loss.defaults,
    ...balance,
    ...(loss.hasMargins ? { mIn, mOut } : {}),
    ...told,
  };
  return { prior, margins: null, ...(trainingAccuracy && { trainingAccuracy }), lossOptions, accuracyBefore: null };
}

/** Options of losses that have flags of their own: the prior and the margins are measured by those. */
const ownFlags: Readonly<Record<string, string>> = {
  ...{ mIn: "--m-in", mOut: "--m-out" },
  ...{ alpha: "--alpha", gamma: "--gamma", gammaWeight: "--gamma-weight" },
};

/** @throws OptionError for a name that the loss does not know, or that a flag is for, and for a number out of its range */
function furtherOptions({ loss, lossOptions = {} }: ResolvedTrainingOptions): Readonly<Record<string, number>> {
  const known = Object.entries(losses[loss].defaults).flatMap(([name, value]) =>
    typeof value === "number" && !(name in ownFlags) ? [name] : [],
  );
  checkRanges(losses[loss].ranges, lossOptions);
  const unknown = Object.keys(lossOptions).find((name) => !known.includes(name));
  if (unknown === undefined) return lossOptions;
  throw new OptionError({
    where: "--loss-option",
    expected: known.length === 0 ? `no options, as ${loss} has none` : `options of ${loss}: ${known.join(", ")}`,
    received: `"${unknown}"`,
    ...(ownFlags[unknown] === undefined ? {} : { hint: `${ownFlags[unknown]} is for that` }),
  });
}

function trainSample({ trainIndices }: RunInputs, seed: number): Int32Array {
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
  options: ResolvedTrainingOptions,
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
