/** A training run on pixels, from options to a run directory: what `tuneSegmentation` and `trainSegmentation` share. */
import { findParameters, keptFromDecay, namedParameters } from "../../graph/parameters.js";
import { pixelLosses } from "../../losses/pixels/index.js";
import { writeModel } from "../../onnx/index.js";
import type { Tensor } from "../../onnx/types.js";
import { createEngine, type Engine, type Session, sessionBytes } from "../../runtime/index.js";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "../checkpoint.js";
import { droppingNodes, unusedDropout } from "../dropout.js";
import { describeFall } from "../fall.js";
import { runIdentity } from "../identity.js";
import { type Progress, silent } from "../progress.js";
import { RunFolder } from "../run-files.js";
import { marginsOf, meanOfLast, versions } from "../run-record.js";
import { orStopped, runSteps, type Spent, speedOf } from "../run-steps.js";
import type { TrainingContext } from "../run-training.js";
import { trainedModel } from "../trained-model.js";
import { checkParameters, Trainer } from "../trainer.js";
import { Validation } from "../validation.js";
import { confusionOf, withWeights } from "./mean-iou.js";
import { buildPixelStep } from "./pixel-step.js";
import { ScenePredictor } from "./scene-predictor.js";
import { SceneSource } from "./scene-source.js";
import {
  openSegmentationInputs,
  type SegmentationInputs,
  type SegmentationStart,
  watchedScenes,
} from "./segmentation-inputs.js";
import {
  type ResolvedSegmentationOptions,
  type SegmentationOptions,
  type SegmentationResult,
  unusedSegmentationOptions,
} from "./segmentation-options.js";
import { preparePixels, prepareUntrainedPixels, type SegmentationPreparation } from "./segmentation-preparation.js";

interface Run {
  readonly engine: Engine;
  readonly start: SegmentationStart;
  readonly options: ResolvedSegmentationOptions;
  readonly inputs: SegmentationInputs;
  readonly folder: RunFolder;
  readonly identity: string;
  readonly checkpoint: Checkpoint | undefined;
  readonly prefix: Session | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
  readonly warn: (sentence: string) => void;
}

/**
 * Trains and writes `model.onnx`, `run.json`, `log.csv` and `checkpoint.onnx` into `options.out`; with validation scenes also `validation.csv`
 * and `best.onnx`.
 *
 * @param told  the options as they were given, for warnings about those that have no effect
 * @throws OffmapError for input that does not fit, RunError for a loss that is not finite, CancelledError after a request to stop
 */
export async function runSegmentation(
  start: SegmentationStart,
  options: ResolvedSegmentationOptions,
  told: SegmentationOptions,
  { progress = silent, signal, warn = () => {} }: TrainingContext,
): Promise<SegmentationResult> {
  const engine = await createEngine(options.engine);
  try {
    const inputs = await openSegmentationInputs(options, start);
    const { segmenter, plan } = inputs;
    if (segmenter.endsInSoftmax) {
      warn(`the model ends in a Softmax; Offmap trains and scores what goes into it ("${segmenter.logits}")`);
    }
    const { graph } = segmenter.upgraded;
    const { trained } = plan.partition;
    const idle = unusedDropout(told.dropout, graph, trained);
    for (const sentence of [...unusedSegmentationOptions(options, told), ...idle]) warn(sentence);
    if (start.hasHeadDropout && droppingNodes(graph, trained).size === 0) {
      warn("--head-dropout has no effect: the last layer alone is trained, and nothing in front of it");
    }
    const folder = await RunFolder.open(options.out);
    const identity = await runIdentity(options, {
      ...{ digest: start.digest, logits: segmenter.logits, parameters: plan.parameters },
      ...{ id: inputs.id, outliers: inputs.outliers },
    });
    const checkpoint = options.resume ? await readCheckpoint(folder.file("checkpoint.onnx"), identity) : undefined;
    if (checkpoint !== undefined) await folder.continueLog(checkpoint.step);
    const prefix = plan.prefix === undefined ? undefined : await engine.load(sessionBytes(plan.prefix));
    try {
      const run = { engine, start, options, inputs, folder, identity, checkpoint, prefix, progress, signal, warn };
      return await trainPixels(run);
    } finally {
      await prefix?.release();
    }
  } finally {
    await engine.close();
  }
}

async function trainPixels(run: Run): Promise<SegmentationResult> {
  const { options, inputs, folder, identity, checkpoint, progress, signal, warn } = run;
  const prepared = (checkpoint?.prepared as SegmentationPreparation | undefined) ?? (await preparation(run));
  const { plan, scenes, normalization } = inputs;
  const { seed, dropout } = options;
  const source = new SceneSource({ plan, scenes, normalization, seed, dropout, prefix: run.prefix });
  const trainer = trainerFor(run, prepared);
  await trainer.start({ batch: 1, outlierBatch: 0 }, checkpoint?.variables);

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

  await writeModel(modelOf(run, prepared, trained), folder.file("model.onnx"));
  const after = await orStopped(watchedConfusion(run, trained), total, folder);
  const miouAfter = after.meanIou();
  const fall = describeFall("mIoU", [prepared.miouBefore, miouAfter], options, pixelLosses[options.loss]);
  if (fall !== undefined) warn(fall);
  const best = watch?.validation.best;
  const result: SegmentationResult = {
    steps: total,
    ...speedOf(spent),
    loss: meanOfLast(folder.history),
    margins: marginsOf(prepared),
    prior: prepared.prior?.prior ?? null,
    miou_before: prepared.miouBefore,
    miou_after: miouAfter,
    class_iou: Object.fromEntries([...after.classIou()].map((iou, c) => [inputs.classNames[c], nullIfNaN(iou)])),
    best: best === undefined ? null : { epoch: best.epoch, miou: best.value, out: folder.file("best.onnx") },
    out: folder.file("model.onnx"),
  };
  await folder.writeRecord({ ...result, identity: JSON.parse(identity) as unknown, options, versions: versions() });
  return result;
}

async function preparation(run: Run): Promise<SegmentationPreparation> {
  const { engine, start, options, inputs, progress, signal } = run;
  if (!start.trained) return { ...(await prepareUntrainedPixels(inputs, options)), miouBefore: null };
  const miouBefore = (await watchedConfusion(run, {})).meanIou();
  const predictor = new ScenePredictor(engine, inputs.segmenter, inputs.normalization);
  try {
    return { ...(await preparePixels(predictor, inputs, options, { progress, signal })), miouBefore };
  } finally {
    await predictor.close();
  }
}

async function watchedConfusion(
  { engine, inputs, progress, signal }: Omit<Run, "prefix">,
  weights: Readonly<Record<string, Tensor>>,
) {
  const { segmenter, normalization } = inputs;
  const { dataset, ...some } = watchedScenes(inputs);
  const predictor = new ScenePredictor(engine, withWeights(segmenter, weights), normalization);
  try {
    const title = `Running the model over ${dataset.name}`;
    return await confusionOf(predictor, segmenter.classes, dataset, { title, progress, signal, ...some });
  } finally {
    await predictor.close();
  }
}

function trainerFor({ engine, options, inputs }: Run, prepared: SegmentationPreparation): Trainer {
  const { plan, loss } = inputs;
  const { batchNorm, dropout, optimizer, momentum, weightDecay, average, noDecay } = options;
  const { classes, upgraded: model, logits } = plan.segmenter;
  const undecayed = noDecay === undefined ? [] : namedParameters(findParameters(model.graph), noDecay, keptFromDecay);
  const { partition, parameters, rows } = plan;
  const [, height, width] = plan.shape;
  const step = {
    ...{ model, logits, partition, parameters, rows, classes, height, width },
    ...{ loss, lossOptions: prepared.lossOptions, batchNorm, dropout, optimizer, average },
    prior: prepared.prior?.prior ?? new Array<number>(classes).fill(1 / classes),
    optimizerOptions: { momentum, weightDecay },
    undecayed: new Set(undecayed.map(({ name }) => name)),
  };
  return new Trainer(engine, ({ batch, block, webGpu }) =>
    buildPixelStep({ ...step, batch, block, ...(webGpu === undefined ? {} : { webGpu }) }),
  );
}

function modelOf({ options, inputs, start }: Run, prepared: SegmentationPreparation, trained: Record<string, Tensor>) {
  const { segmenter: classifier, normalization, id } = inputs;
  return trainedModel(
    trained,
    options,
    { classifier, normalization, id },
    prepared,
    start.trained ? "tuned" : "trained",
  );
}

/** What is done after every epoch of a run with validation scenes, and at its end. */
async function epochWatch(
  run: Run,
  prepared: SegmentationPreparation,
  trainer: Trainer,
  { epoch, first, total }: { readonly epoch: number; readonly first: number; readonly total: number },
) {
  const { inputs, folder } = run;
  if (inputs.val === undefined) return undefined;
  const validation = await Validation.open(folder.file("validation.csv"), first, "miou");
  const afterStep = async (step: number) => {
    if ((step % epoch !== 0 && step !== total) || validation.has(step)) return;
    const trained = await trainer.trained();
    const value = (await watchedConfusion({ ...run, progress: silent }, trained)).meanIou();
    const isBest = await validation.add({ epoch: step / epoch, step, value });
    if (isBest) await writeModel(modelOf(run, prepared, trained), folder.file("best.onnx"));
  };
  return { validation, afterStep };
}

const nullIfNaN = (value: number) => (Number.isNaN(value) ? null : value);
