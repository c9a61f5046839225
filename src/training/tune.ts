/** Step 2 of the method: fine-tuning with outliers, from options to a run directory. */

import { formatNormalization } from "../data/index.js";
import { CancelledError } from "../errors.js";
import { type LossDefinition, losses } from "../losses/index.js";
import { encodeModel, writeModel } from "../onnx/index.js";
import type { Model, Tensor } from "../onnx/types.js";
import { createEngine, type Engine, type Session } from "../runtime/index.js";
import { version } from "../version.js";
import { BatchSource } from "./batch-source.js";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { asClassifier, classNamesKey, normalizationKey } from "./classifier.js";
import { FeatureStore } from "./feature-store.js";
import { predict } from "./predict.js";
import { type Progress, silent } from "./progress.js";
import { hashFile, RunFolder } from "./run-files.js";
import { learningRateAt } from "./schedule.js";
import { checkLoss, Trainer } from "./trainer.js";
import type { TuneOptions, TuneResult } from "./tune-options.js";
import { accuracyOf, openInputs, type Preparation, prepare, type TuneInputs, watchedIndices } from "./tune-setup.js";

export interface TuneContext {
  readonly progress?: Progress;
  /** Stops after the step under way; the state is saved and can be resumed. */
  readonly signal?: AbortSignal;
  /** Called with sentences the user should see. */
  readonly warn?: (sentence: string) => void;
}

const defaults = {
  epochs: 10,
  batch: 128,
  outlierBatch: 256,
  learningRate: 0.001,
  momentum: 0.9,
  weightDecay: 0.0005,
  checkpointEvery: 100,
} as const;

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

async function tuneOn(engine: Engine, options: TuneOptions, context: TuneContext): Promise<TuneResult> {
  const { progress = silent, signal, warn = () => {} } = context;
  const inputs = await openInputs(options);
  const { plan, id, outliers } = inputs;
  if (plan.classifier.endsInSoftmax) {
    warn(`the model ends in a Softmax; Offmap trains and scores what goes into it ("${plan.classifier.logits}")`);
  }
  for (const name of unusedOptions(options))
    warn(`${name} has no effect on the loss ${options.loss ?? "balanced-energy"}`);
  const folder = await RunFolder.open(options.out);
  const identity = await identityOf(options, inputs);
  const checkpoint = options.resume ? await readCheckpoint(folder.file("checkpoint.onnx"), identity) : undefined;
  if (checkpoint !== undefined) await folder.continueLog(checkpoint.step);
  const prepared =
    (checkpoint?.prepared as Preparation | undefined) ?? (await prepare(engine, inputs, options, { progress, signal }));

  const shuffle = options.shuffle ?? true;
  const augment = options.augment ?? true;
  const { stores, prefix } = await frozenPart(engine, inputs, augment, { progress, signal });
  const source = new BatchSource({
    plan,
    id,
    trainIndices: inputs.trainIndices,
    outliers,
    batch: options.batch ?? defaults.batch,
    outlierBatch: options.outlierBatch ?? defaults.outlierBatch,
    shuffle,
    augment,
    normalization: inputs.normalization,
    seed: options.seed ?? 1,
    prefix,
    stores,
  });
  const total = options.steps ?? (options.epochs ?? defaults.epochs) * source.stepsPerEpoch;
  const trainer = new Trainer(engine, {
    model: plan.classifier.upgraded,
    logits: plan.classifier.logits,
    partition: plan.partition,
    parameters: plan.parameters,
    loss: losses[options.loss ?? "balanced-energy"] as LossDefinition<object>,
    lossOptions: prepared.lossOptions,
    weight: prepared.weight,
    prior: prepared.prior?.prior ?? new Array<number>(plan.classes).fill(1 / plan.classes),
    batchNorm: options.batchNorm ?? "frozen",
    sgd: { momentum: options.momentum ?? defaults.momentum, weightDecay: options.weightDecay ?? defaults.weightDecay },
    rows: plan.rows,
  });
  await trainer.start(checkpoint?.variables);

  const save = async (step: number) => {
    await writeCheckpoint(folder.file("checkpoint.onnx"), {
      step,
      identity,
      prepared,
      variables: await trainer.variables(),
    });
    await folder.writeLog();
  };
  const first = checkpoint?.step ?? 0;
  const schedule = {
    name: options.schedule ?? "cosine",
    initial: options.learningRate ?? defaults.learningRate,
  } as const;
  const every = options.checkpointEvery ?? defaults.checkpointEvery;
  progress.start("Fine-tuning", total, "steps");
  const started = performance.now();
  let images = 0;
  try {
    let upcoming = first < total ? source.batch(first) : undefined;
    for (let step = first; step < total; step++) {
      if (signal?.aborted) {
        await save(step);
        throw new CancelledError({
          problem: `stopped after step ${step} of ${total}; the state is saved in ${folder.file("checkpoint.onnx")}`,
          hint: "repeat the command with --resume to go on",
        });
      }
      const batch = await (upcoming as ReturnType<BatchSource["batch"]>);
      images += batch.labels.length + batch.outliers;
      // The next batch is read and augmented while this step runs in the engine's thread.
      upcoming = step + 1 < total ? source.batch(step + 1) : undefined;
      upcoming?.catch(() => undefined);
      const learningRate = learningRateAt(schedule.name, schedule.initial, step + 1, total);
      const readings = await trainer.step(batch, learningRate);
      checkLoss(readings, step + 1);
      folder.log({ step: step + 1, learningRate, ...readings });
      if ((step + 1) % every === 0 && step + 1 < total) await save(step + 1);
      progress.update(step + 1, `loss ${readings.loss.toFixed(4)}`);
    }
  } finally {
    await trainer.close();
    await prefix?.release();
    await stores?.id.close();
    await stores?.outliers?.close();
  }
  const seconds = (performance.now() - started) / 1000;
  progress.finish();
  await save(total);

  const tuned = tunedModel(plan.classifier.model, await trainer.trained(), options, inputs, prepared);
  await writeModel(tuned, folder.file("model.onnx"));
  const watched = watchedIndices(inputs);
  const logits = await predict(engine, asClassifier(tuned), id, {
    normalization: inputs.normalization,
    indices: watched,
    progress,
    signal,
  });
  const accuracyAfter = accuracyOf(logits, plan.classes, id, watched);
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
    seconds_per_step: updates === 0 ? 0 : seconds / updates,
    images_per_second: updates === 0 ? 0 : images / seconds,
    loss: recent.reduce((sum, row) => sum + row.loss, 0) / recent.length,
    margins: marginsOf(prepared),
    prior: prepared.prior?.prior ?? null,
    accuracy_before: prepared.accuracyBefore,
    accuracy_after: accuracyAfter,
    out: folder.file("model.onnx"),
  };
  await folder.writeRecord({
    ...result,
    weight: prepared.weight,
    identity: JSON.parse(identity) as unknown,
    options,
    versions: versions(),
  });
  return result;
}

/** Options given that the chosen loss does not look at. */
function unusedOptions({ loss = "balanced-energy", ...options }: TuneOptions): string[] {
  const { hasMargins, usesPrior } = losses[loss];
  const looked = {
    "--alpha": [usesPrior, options.alpha],
    "--gamma": [usesPrior, options.gamma],
    "--gamma-weight": [usesPrior, options.gammaWeight],
    "--prior": [usesPrior, options.prior],
    "--m-in": [hasMargins, options.mIn],
    "--m-out": [hasMargins, options.mOut],
  } as const;
  return Object.entries(looked).flatMap(([flag, [used, value]]) => (used || value === undefined ? [] : [flag]));
}

/** The frozen part: its features stored beforehand when images are always the same, else run on every batch. */
async function frozenPart(
  engine: Engine,
  { plan, id, outliers, normalization }: TuneInputs,
  augment: boolean,
  run: { progress: Progress; signal: AbortSignal | undefined },
): Promise<{ stores?: { id: FeatureStore; outliers: FeatureStore | undefined }; prefix?: Session }> {
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
async function identityOf(options: TuneOptions, { classifier, id, outliers, plan }: TuneInputs): Promise<string> {
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

/** The user's own file with new weights: same inputs, outputs and operator set. */
function tunedModel(
  model: Model,
  trained: Readonly<Record<string, Tensor>>,
  options: TuneOptions,
  { normalization, id }: TuneInputs,
  prepared: Preparation,
): Model {
  const initializers = new Map(model.graph.initializers);
  for (const [name, tensor] of Object.entries(trained)) initializers.set(name, tensor);
  const metadata = new Map(model.metadata);
  const { out: _out, engine: _engine, resume: _resume, ...told } = options;
  metadata.set("offmap.version", version);
  metadata.set("offmap.tuned", JSON.stringify({ ...told, weight: prepared.weight, ...prepared.lossOptions }));
  if (prepared.prior !== null) metadata.set("offmap.prior", JSON.stringify(prepared.prior.prior));
  if (normalization !== undefined) metadata.set(normalizationKey, formatNormalization(normalization));
  if (id.classNames !== undefined) metadata.set(classNamesKey, JSON.stringify(id.classNames));
  return { ...model, graph: { ...model.graph, initializers }, metadata };
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
