/** A training run, from options to a run directory: what `tune` and `train` share. */

import { composeAugmentations } from "../data/index.js";
import { findParameters, keptFromDecay, namedParameters } from "../graph/parameters.js";
import { type LossDefinition, losses } from "../losses/index.js";
import { writeModel } from "../onnx/index.js";
import type { Model, Tensor } from "../onnx/types.js";
import { createEngine, type Engine } from "../runtime/index.js";
import { BatchSource } from "./batch-source.js";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { unusedDropout } from "./dropout.js";
import { describeFall } from "./fall.js";
import { type FrozenPart, openFrozenPart } from "./frozen-part.js";
import { runIdentity } from "./identity.js";
import { type Predictions, predictionsFromFeatures, predictionsFromImages } from "./predictions.js";
import { accuracyOf, type Preparation, prepare, prepareUntrained } from "./preparation.js";
import { type Progress, silent } from "./progress.js";
import { RunFolder } from "./run-files.js";
import { openInputs, type RunInputs, watchedIndices } from "./run-inputs.js";
import { marginsOf, meanOfLast, versions } from "./run-record.js";
import { orStopped, runSteps, type Spent, speedOf } from "./run-steps.js";
import { buildTrainingStep, priorVariable } from "./step.js";
import { trainedModel } from "./trained-model.js";
import { checkParameters, Trainer } from "./trainer.js";
import {
  type ResolvedTrainingOptions,
  type TrainingOptions,
  type TrainingResult,
  unusedOptions,
} from "./training-options.js";
import { Validation } from "./validation.js";

export interface TrainingContext {
  readonly progress?: Progress;
  /** Stops after the step under way; the state is saved and can be resumed. */
  readonly signal?: AbortSignal;
  /** Called with sentences the user should see. */
  readonly warn?: (sentence: string) => void;
}

/** What a run starts from. */
export interface Start {
  readonly model: Model;
  /** How errors call the model. */
  readonly where: string;
  /** SHA-256 of the model, in hexadecimal. */
  readonly digest: string;
  /** Whether the model has learned anything yet, so that margins and a prior can be measured on it. */
  readonly trained: boolean;
}

/**
 * Trains and writes `model.onnx`, `run.json`, `log.csv` and `checkpoint.onnx` into `options.out`; where epochs are watched on held-out
 * images, also `validation.csv` and `best.onnx`.
 *
 * @param told  the options as they were given, for warnings about those that have no effect
 * @throws OffmapError for input that does not fit, RunError for a loss that is not finite, CancelledError after a request to stop
 */
export async function runTraining(
  start: Start,
  options: ResolvedTrainingOptions,
  told: Omit<TrainingOptions, "loss">,
  { progress = silent, signal, warn = () => {} }: TrainingContext,
): Promise<TrainingResult> {
  const engine = await createEngine(options.engine);
  try {
    const inputs = await openInputs(options, start);
    if (inputs.classifier.endsInSoftmax) {
      warn(`the model ends in a Softmax; Offmap trains and scores what goes into it ("${inputs.classifier.logits}")`);
    }
    const { trained } = inputs.plan.partition;
    const idle = unusedDropout(told.dropout, inputs.classifier.upgraded.graph, trained);
    for (const sentence of [...unusedOptions(options, told), ...idle]) warn(sentence);
    const folder = await RunFolder.open(options.out);
    const { classifier, plan, id, outliers } = inputs;
    const material = { digest: start.digest, logits: classifier.logits, parameters: plan.parameters, id, outliers };
    const decided = { ...options, holdOut: inputs.holdOut };
    const identity = await runIdentity(decided, material);
    const checkpoint = options.resume ? await readCheckpoint(folder.file("checkpoint.onnx"), identity) : undefined;
    if (checkpoint !== undefined) await folder.continueLog(checkpoint.step);
    const frozen = await openFrozenPart(engine, inputs, changesImages(options), { progress, signal });
    try {
      const run = { engine, start, options, inputs, folder, identity, checkpoint, frozen, progress, signal, warn };
      return await trainAbove(run);
    } finally {
      await frozen.close();
    }
  } finally {
    await engine.close();
  }
}

/** Whether images differ from one time they are seen to the next. */
export const changesImages = ({ augment, mixup, loss }: Pick<ResolvedTrainingOptions, "augment" | "mixup" | "loss">) =>
  augment.length > 0 || mixup !== undefined || losses[loss].pastedClasses !== undefined;

interface Run {
  readonly engine: Engine;
  readonly start: Start;
  readonly options: ResolvedTrainingOptions;
  readonly inputs: RunInputs;
  readonly folder: RunFolder;
  readonly identity: string;
  readonly checkpoint: Checkpoint | undefined;
  readonly frozen: FrozenPart;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
  readonly warn: (sentence: string) => void;
}

/** Trains what lies above the frozen part. */
async function trainAbove(run: Run): Promise<TrainingResult> {
  const { options, inputs, folder, identity, checkpoint, progress, signal } = run;
  const prepared = (checkpoint?.prepared as Preparation | undefined) ?? (await preparation(run));
  const source = batchSource(run, prepared);
  const trainer = trainerFor(run, prepared);
  await trainer.start(source.smallest, checkpoint?.variables);

  const first = checkpoint?.step ?? 0;
  const total = options.steps ?? (options.epochs ?? 0) * source.stepsPerEpoch;
  const save = async (step: number, spent: Spent) => {
    const variables = await trainer.variables();
    // A log that goes further than the checkpoint is cut when the run goes on; rows that it lacks would be lost.
    await folder.writeLog();
    await writeCheckpoint(folder.file("checkpoint.onnx"), { step, identity, prepared, spent, variables });
  };
  if (checkpoint === undefined) await folder.clear();
  const watch = await epochWatch(run, prepared, trainer, { epoch: source.stepsPerEpoch, first, total });
  const steps = { first, total, spent: checkpoint?.spent };
  let spent: Spent;
  try {
    spent = await runSteps({ trainer, source, folder, options, ...steps, save, progress, signal, ...watch });
  } finally {
    await trainer.close();
  }
  const trained = await trainer.trained();
  checkParameters(trained, total);
  await save(total, spent);

  const model = trainedModel(trained, options, inputs, prepared, run.start.trained ? "tuned" : "trained");
  await writeModel(model, folder.file("model.onnx"));
  const accuracyAfter = await orStopped(watchedAccuracy(run, model, trained), total, folder);
  warnOfFall(run, prepared, accuracyAfter);
  const best = watch?.validation.best;
  const moved = (await trainer.variables())[priorVariable]?.data as Float32Array | undefined;
  const result: TrainingResult = {
    steps: total,
    ...speedOf(spent),
    loss: meanOfLast(folder.history),
    margins: marginsOf(prepared),
    training_accuracy: prepared.trainingAccuracy ?? null,
    prior: prepared.prior?.prior ?? null,
    prior_after: moved === undefined ? null : Array.from(moved),
    accuracy_before: prepared.accuracyBefore,
    accuracy_after: accuracyAfter,
    best: best === undefined ? null : { epoch: best.epoch, accuracy: best.value, out: folder.file("best.onnx") },
    out: folder.file("model.onnx"),
  };
  await folder.writeRecord({ ...result, identity: JSON.parse(identity) as unknown, options, versions: versions() });
  return result;
}

function preparation(run: Run): Promise<Preparation> {
  const { start, options, inputs } = run;
  return start.trained
    ? prepare(predictionsOf(run, inputs.classifier.model), inputs, options)
    : prepareUntrained(inputs.plan.classes, options);
}

/** Logits by a model of the run: from the images, or from stored features with new values of the trained parameters. */
function predictionsOf(run: Run, model: Model, trained?: Readonly<Record<string, Tensor>>): Predictions {
  const { engine, inputs, frozen, progress, signal } = run;
  const { normalization, plan } = inputs;
  return frozen.stores === undefined || plan.partition.asksForShapes
    ? predictionsFromImages(engine, model, inputs, { normalization, progress, signal })
    : predictionsFromFeatures(engine, plan, inputs, frozen.stores, trained);
}

async function watchedAccuracy(run: Run, model: Model, trained: Readonly<Record<string, Tensor>>): Promise<number> {
  const { id, plan } = run.inputs;
  const indices = watchedIndices(run.inputs);
  return accuracyOf(await predictionsOf(run, model, trained)("id", indices), plan.classes, id, indices);
}

function batchSource({ options, inputs, frozen }: Run, prepared: Preparation): BatchSource {
  const { plan, id, outliers, normalization, trainIndices, classCounts } = inputs;
  const { batch, outlierBatch, shuffle, sampling, augment, mixup, seed, dropout } = options;
  const loss = losses[options.loss] as LossDefinition<object>;
  return new BatchSource({
    ...{
      plan,
      id,
      outliers,
      normalization,
      trainIndices,
      batch,
      outlierBatch,
      shuffle,
      sampling,
      mixup,
      seed,
      dropout,
    },
    augmentation: augment.length === 0 ? undefined : composeAugmentations(augment),
    prefix: frozen.prefix,
    stores: frozen.stores,
    views: loss.views ?? 1,
    outlierClasses: loss.outlierLabels?.(classCounts, prepared.lossOptions),
    pastedClasses: loss.pastedClasses?.(classCounts, prepared.lossOptions),
  });
}

function trainerFor({ engine, options, inputs }: Run, prepared: Preparation): Trainer {
  const { classifier, plan, classCounts } = inputs;
  const { weight, batchNorm, dropout, optimizer, momentum, weightDecay, average, priorMomentum, noDecay, seed } =
    options;
  const { labelSmoothing, logitAdjustment } = options;
  const known = findParameters(classifier.upgraded.graph);
  const undecayed = noDecay === undefined ? [] : namedParameters(known, noDecay, keptFromDecay);
  const step = {
    model: classifier.upgraded,
    logits: classifier.logits,
    partition: plan.partition,
    parameters: plan.parameters,
    rows: plan.rows,
    loss: losses[options.loss] as LossDefinition<object>,
    lossOptions: prepared.lossOptions,
    prior: prepared.prior?.prior ?? new Array<number>(plan.classes).fill(1 / plan.classes),
    ...{ weight, classCounts, priorMomentum, seed, batchNorm, dropout, optimizer, average },
    fit: { labelSmoothing, logitAdjustment },
    mixed: options.mixup !== undefined,
    optimizerOptions: { momentum, weightDecay },
    undecayed: new Set(undecayed.map(({ name }) => name)),
  };
  return new Trainer(engine, (sizes) => buildTrainingStep({ ...step, ...sizes }));
}

/** What is done after every epoch of a run from nothing that holds images out, and at its end. */
async function epochWatch(
  run: Run,
  prepared: Preparation,
  trainer: Trainer,
  { epoch, first, total }: { readonly epoch: number; readonly first: number; readonly total: number },
) {
  const { options, inputs, folder, start } = run;
  if (start.trained || inputs.heldIndices.length === 0) return undefined;
  const validation = await Validation.open(folder.file("validation.csv"), first, "accuracy");
  const afterStep = async (step: number) => {
    if ((step % epoch !== 0 && step !== total) || validation.has(step)) return;
    const trained = await trainer.trained();
    const model = trainedModel(trained, options, inputs, prepared, "trained");
    const value = await watchedAccuracy({ ...run, progress: silent }, model, trained);
    const isBest = await validation.add({ epoch: step / epoch, step, value });
    if (isBest) await writeModel(model, folder.file("best.onnx"));
  };
  return { validation, afterStep };
}

function warnOfFall({ options, inputs, warn }: Run, { accuracyBefore }: Preparation, accuracyAfter: number): void {
  const what = `accuracy on ${inputs.heldIndices.length > 0 ? "held-out" : "the"} training images`;
  const sentence = describeFall(what, [accuracyBefore, accuracyAfter], options, losses[options.loss]);
  if (sentence !== undefined) warn(sentence);
}
