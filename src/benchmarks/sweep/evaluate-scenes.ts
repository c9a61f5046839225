/** Evaluates a finished recipe of segmentation networks. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openSegmentation, type PastedDataset, writePastePlan } from "../../data/index.js";
import {
  fitPixelScores,
  type PixelPart,
  type PixelScoreName,
  pixelScoreNeedsFit,
  type RunScenesOptions,
  readyPixelPart,
} from "../../guard/segmentation/index.js";
import { readModel } from "../../onnx/index.js";
import type { Engine } from "../../runtime/index.js";
import type { ScoreOptions } from "../../scores/index.js";
import { asClassifier, type Classifier, normalizationFor, type TrainingContext } from "../../training/index.js";
import {
  evaluateSegmentation,
  measureScenePrior,
  openTestScenes,
  type PixelRow,
  type SegmentationEvaluation,
  type TestScenes,
} from "../segmentation/index.js";
import { type EvaluatedModel, type EvaluationJob, preset } from "./evaluation-job.js";
import type { Measured } from "./results.js";
import { ownOptions } from "./score-checks.js";

export interface SceneEvaluationJob extends EvaluationJob {
  readonly task: "segmentation";
  readonly scores: readonly PixelScoreName[];
  /** For each of the scores that has them. */
  readonly scoreOptions: ScoreOptions;
  /** What scores are fitted to that need it. */
  readonly fitOn: TestScenes;
  /** Training scenes. */
  readonly id: string;
  /** Objects to count by class, and how many of the training scenes to paste them into. */
  readonly priorOf: { readonly outliers: string; readonly scenes: number } | undefined;
  /** Folder for `plan-SET.json`, which say which object lies where in sets whose objects are pasted; the same for all rows of a table. */
  readonly plans: string;
}

/** Of the scenes that a prior is measured on. */
const priorSeed = 1;

export async function evaluateScenes(
  engine: Engine,
  job: SceneEvaluationJob,
  { progress, signal }: TrainingContext,
): Promise<Measured> {
  const open = async ({ path, normalization: given }: EvaluatedModel): Promise<Judged> => {
    const classifier = asClassifier(await readModel(path), path);
    return { classifier, run: { normalization: normalizationFor(classifier, given), progress, signal } };
  };
  const judged = await open(job.scoresFrom);
  const classified = job.accuracyFrom.path === job.scoresFrom.path ? judged : await open(job.accuracyFrom);
  const test = await openSegmentation(job.test);
  const { classNames } = test;
  const found = await evaluateSegmentation(engine, classified.classifier, test, {
    ...classified.run,
    ...{ scores: [], preset },
  });
  const fitted = await partsOf(engine, job, judged);
  const sets: SegmentationEvaluation[] = [];
  for (const set of job.ood) {
    const options = { ...judged.run, scores: job.scores, fitted, preset, classNames };
    const scenes = await openTestScenes(set);
    if ("plan" in scenes) await keepPlan(job.plans, scenes);
    sets.push(await evaluateSegmentation(engine, judged.classifier, scenes, options));
  }
  const { id, priorOf } = job;
  const counted =
    priorOf === undefined
      ? undefined
      : await measureScenePrior(engine, judged.classifier, { ...judged.run, ...priorOf, id, seed: priorSeed });
  return {
    ...{ accuracy: null, groups: null, adjusted: null },
    miou: found.segmentation?.miou ?? null,
    scores: Object.fromEntries(job.scores.map((score) => [score, detections(sets, score)])),
    prior:
      counted === undefined
        ? null
        : {
            share: [...counted.prior.prior],
            outliers: counted.prior.outliers,
            class_names: [...counted.classNames],
          },
  };
}

async function keepPlan(folder: string, { name, plan }: PastedDataset): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writePastePlan(join(folder, `plan-${encodeURIComponent(name)}.json`), plan);
}

interface Judged {
  readonly classifier: Classifier;
  readonly run: RunScenesOptions;
}

async function partsOf(
  engine: Engine,
  { scores, scoreOptions, fitOn }: SceneEvaluationJob,
  { classifier, run }: Judged,
): Promise<PixelPart[]> {
  const ready = scores
    .filter((name) => !pixelScoreNeedsFit(name))
    .map((name) => readyPixelPart(name, ownOptions(name, scoreOptions)));
  const others = scores.filter(pixelScoreNeedsFit);
  if (others.length === 0) return ready;
  const options = Object.fromEntries(others.map((name) => [name, ownOptions(name, scoreOptions)]));
  return [
    ...ready,
    ...(await fitPixelScores(engine, classifier, await openTestScenes(fitOn), others, { ...run, options })),
  ];
}

/** Of one score: each set, and the unweighted mean over the sets. */
function detections(sets: readonly SegmentationEvaluation[], score: PixelScoreName): Measured["scores"][string] {
  const own = sets.map(({ set, rows }) => {
    const { auroc, aupr, fpr95 } = rows.find((row) => row.score === score) as PixelRow;
    return [set, { auroc, aupr, fpr95 }] as const;
  });
  const mean = (key: "auroc" | "aupr" | "fpr95") => own.reduce((sum, [, found]) => sum + found[key], 0) / own.length;
  return {
    average: { auroc: mean("auroc"), aupr: mean("aupr"), fpr95: mean("fpr95") },
    sets: Object.fromEntries(own),
  };
}
