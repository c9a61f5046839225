/** Step 2 of the method: fine-tuning with outliers, from options to a run directory. */

import { type LossDefinition, losses } from "../losses/index.js";
import { encodeModel, writeModel } from "../onnx/index.js";
import type { Model, Tensor } from "../onnx/types.js";
import { createEngine, type Engine, type Session } from "../runtime/index.js";
import { version } from "../version.js";
import { BatchSource } from "./batch-source.js";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { FeatureStore } from "./feature-store.js";
import { type FeatureStores, type Predictions, predictionsFromFeatures, predictionsFromImages } from "./predictions.js";
import { type Progress, silent } from "./progress.js";
import { hashFile, RunFolder } from "./run-files.js";
import { runSteps } from "./run-steps.js";
import { Trainer } from "./trainer.js";
import {
  type ResolvedTuneOptions,
  resolveTuneOptions,
  type TuneOptions,
  type TuneResult,
  unusedOptions,
} from "./tune-options.js";
import { accuracyOf, openInputs, type Preparation, prepare, type TuneInputs, watchedIndices } from "./tune-setup.js";
import { tunedModel } from "./tuned-model.js";

export interface TuneContext {
  readonly progress?: Progress;
  /** Stops after the step under way; the state is saved and can be resumed. */
  readonly signal?: AbortSignal;
  /** Called with sentences the user should see. */
  readonly warn?: (sentence: string) => void;
}

/** A fall of accuracy by more than this is worth a warning. */
const worryingFall = 0.02;
/** The reported loss is the mean over this many last steps. */
const reportedSteps = 20;

/**
 * Fine-tunes a classifier and writes `model.onnx`, `run.json`, `log.csv` and `checkpoint.onnx` into `options.out`.
 *
 * @throws OffmapError for input that does not fit, RunError for a loss that is not finite, CancelledError after a request to stop
 */
export async function tune(options: TuneOptions, context: TuneContext = {}): Promise<TuneResult> {
  const engine = await createEngine(options.engine);
  try {
    return await tuneOn(engine, options, context);
  } finally {
    await engine.close();
  }
}

async function tuneOn(engine: Engine, told: TuneOptions, context: TuneContext): Promise<TuneResult> {
  const { progress = silent, signal, warn = () => {} } = context;
  const options = resolveTuneOptions(told);
  const inputs = await openInputs(options);
  if (inputs.classifier.endsInSoftmax) {
    warn(`the model ends in a Softmax; Offmap trains and scores what goes into it ("${inputs.classifier.logits}")`);
  }
  for (const flag of unusedOptions(told)) warn(`${flag} has no effect on the loss ${options.loss}`);
  const folder = await RunFolder.open(options.out);
  const identity = await identityOf(options, inputs);
  const checkpoint = options.resume ? await readCheckpoint(folder.file("checkpoint.onnx"), identity) : undefined;
  if (checkpoint !== undefined) await folder.continueLog(checkpoint.step);
  const frozen = await frozenPart(engine, inputs, options.augment, { progress, signal });
  try {
    return await tuneAbove(frozen, { engine, options, inputs, folder, identity, checkpoint, progress, signal, warn });
  } finally {
    await frozen.prefix?.release();
    await frozen.stores?.id.close();
    await frozen.stores?.outliers?.close();
  }
}

interface Run {
  readonly engine: Engine;
  readonly options: ResolvedTuneOptions;
  readonly inputs: TuneInputs;
  readonly folder: RunFolder;
  readonly identity: string;
  readonly checkpoint: Checkpoint | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
  readonly warn: (sentence: string) => void;
}

/** Trains what lies above the frozen part. */
async function tuneAbove({ stores, prefix }: FrozenPart, run: Run): Promise<TuneResult> {
  const { engine, options, inputs, folder, identity, checkpoint, progress, signal, warn } = run;
  const { classifier, plan, id, outliers, normalization } = inputs;
  const predictions = (model: Model, trained?: Readonly<Record<string, Tensor>>): Predictions =>
    stores === undefined
      ? predictionsFromImages(engine, model, inputs, { normalization, progress, signal })
      : predictionsFromFeatures(engine, plan, inputs, stores, trained);
  const prepared =
    (checkpoint?.prepared as Preparation | undefined) ??
    (await prepare(predictions(classifier.model), inputs, options));

  const { batch, outlierBatch, shuffle, augment, seed } = options;
  const { trainIndices } = inputs;
  const data = { plan, id, trainIndices, outliers, normalization, prefix, stores };
  const source = new BatchSource({ ...data, batch, outlierBatch, shuffle, augment, seed });
  const trainer = new Trainer(engine, {
    model: classifier.upgraded,
    logits: classifier.logits,
    partition: plan.partition,
    parameters: plan.parameters,
    loss: losses[options.loss] as LossDefinition<object>,
    lossOptions: prepared.lossOptions,
    weight: options.weight,
    prior: prepared.prior?.prior ?? new Array<number>(plan.classes).fill(1 / plan.classes),
    batchNorm: options.batchNorm,
    sgd: { momentum: options.momentum, weightDecay: options.weightDecay },
    rows: plan.rows,
  });
  await trainer.start(checkpoint?.variables);

  const first = checkpoint?.step ?? 0;
  const total = options.steps ?? (options.epochs ?? 0) * source.stepsPerEpoch;
  const save = async (step: number) => {
    const variables = await trainer.variables();
    await writeCheckpoint(folder.file("checkpoint.onnx"), { step, identity, prepared, variables });
    await folder.writeLog();
  };
  let spent: { seconds: number; images: number };
  try {
    spent = await runSteps({ trainer, source, folder, options, first, total, save, progress, signal });
  } finally {
    await trainer.close();
  }
  await save(total);

  const trained = await trainer.trained();
  const tuned = tunedModel(trained, options, inputs, prepared);
  await writeModel(tuned, folder.file("model.onnx"));
  const indices = watchedIndices(inputs);
  const logits = await predictions(tuned, trained)("id", indices);
  const accuracyAfter = accuracyOf(logits, plan.classes, id, indices);
  if (prepared.accuracyBefore - accuracyAfter > worryingFall) {
    warn(
      `accuracy on ${inputs.heldIndices.length > 0 ? "held-out" : "the"} training images fell from ${percent(prepared.accuracyBefore)} to ` +
        `${percent(accuracyAfter)}: lower --weight or --lr, or let the margins fit the model (--m-in auto --m-out auto)`,
    );
  }
  const updates = total - first;
  const recent = folder.history.slice(-reportedSteps);
  const result: TuneResult = {
    steps: total,
    seconds_per_step: updates === 0 ? 0 : spent.seconds / updates,
    images_per_second: updates === 0 ? 0 : spent.images / spent.seconds,
    loss: recent.reduce((sum, row) => sum + row.loss, 0) / recent.length,
    margins: marginsOf(prepared),
    prior: prepared.prior?.prior ?? null,
    accuracy_before: prepared.accuracyBefore,
    accuracy_after: accuracyAfter,
    out: folder.file("model.onnx"),
  };
  await folder.writeRecord({ ...result, identity: JSON.parse(identity) as unknown, options, versions: versions() });
  return result;
}

interface FrozenPart {
  readonly stores?: FeatureStores;
  readonly prefix?: Session;
}

/** The frozen part: its features stored beforehand when images are always the same, else run on every batch. */
async function frozenPart(
  engine: Engine,
  { plan, id, outliers, normalization }: TuneInputs,
  augment: boolean,
  run: { progress: Progress; signal: AbortSignal | undefined },
): Promise<FrozenPart> {
  if (plan.prefix === undefined) return {};
  if (augment) return { prefix: await engine.load(encodeModel(plan.prefix)) };
  const options = { normalization, ...run };
  return {
    stores: {
      id: await FeatureStore.open(engine, plan, id, options),
      outliers: outliers === undefined ? undefined : await FeatureStore.open(engine, plan, outliers, options),
    },
  };
}

/** Model, data and options that decide a run's bits: what a checkpoint may be continued with. */
async function identityOf(
  options: ResolvedTuneOptions,
  { classifier, id, outliers, plan }: TuneInputs,
): Promise<string> {
  const {
    out: _out,
    resume: _resume,
    engine: _engine,
    checkpointEvery: _every,
    model,
    id: _id,
    outliers: _outliers,
    ...rest
  } = options;
  return JSON.stringify({
    ...rest,
    model: await hashFile(model),
    id: await id.fingerprint(),
    outliers: (await outliers?.fingerprint()) ?? null,
    logits: classifier.logits,
    trained: plan.parameters.map(({ name }) => name),
  });
}

function marginsOf({ margins, lossOptions }: Preparation): TuneResult["margins"] {
  if (margins === null) return null;
  const { alpha, gamma } = lossOptions as { alpha?: number; gamma?: number };
  return {
    m_in: margins.mIn,
    m_out: margins.mOut,
    ...(alpha === undefined ? {} : { alpha }),
    ...(gamma === undefined ? {} : { gamma }),
    reason: margins.reason,
  };
}

function versions() {
  return { offmap: version, node: process.version, platform: `${process.platform} ${process.arch}` };
}

const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
