/** What one process does: a training run, or the evaluation of a finished recipe. Jobs are plain data. */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { classCounts, type Normalization, openDataset, requireLabels } from "../../data/index.js";
import { writeFileAtomic } from "../../files.js";
import { isOutputScore, outputPart, type PartName } from "../../guard/index.js";
import { readModel } from "../../onnx/index.js";
import { createEngine, type EngineOptions } from "../../runtime/index.js";
import { imageShape, inferShapes } from "../../training/classifier.js";
import {
  asClassifier,
  measurePrior,
  normalizationFor,
  shapeHint,
  type TrainingContext,
  type TrainOptions,
  type TuneOptions,
  train,
  tune,
} from "../../training/index.js";
import { type EvaluateOptions, type Evaluation, evaluate } from "../evaluate.js";
import { openOod } from "./keys.js";
import type { RunNumbers } from "./results.js";

export type Job =
  | { readonly kind: "train"; readonly options: TrainOptions; readonly content: object }
  | { readonly kind: "tune"; readonly options: TuneOptions; readonly content: object }
  | EvaluationJob;

export interface EvaluationJob {
  readonly kind: "evaluate";
  /** What is known before, and stands in the result as it is. */
  readonly about: Pick<RunNumbers, "key" | "recipe" | "seed" | "stages" | "data">;
  readonly scores: readonly PartName[];
  /** Paths of models; often the same. */
  readonly scoresFrom: string;
  readonly accuracyFrom: string;
  readonly test: string;
  readonly ood: readonly { readonly name?: string; readonly spec: string }[];
  readonly normalization: Normalization | undefined;
  /** Training images whose classes are counted, for groups of classes and adjusted logits. */
  readonly classesOf: string | undefined;
  /** Outliers to count by class. */
  readonly priorOf: string | undefined;
  readonly engine: EngineOptions;
  /** File for the numbers. */
  readonly result: string;
}

/** The rules of the codes of Outlier Exposure, energy_ood and Balanced Energy. */
const preset = "official";

/** Does a job; its results are in its folder or file afterwards. */
export async function runJob(job: Job, context: TrainingContext): Promise<void> {
  if (job.kind === "evaluate") return runEvaluation(job, context);
  await mkdir(job.options.out, { recursive: true });
  await writeFileAtomic(join(job.options.out, "stage.json"), `${JSON.stringify(job.content, null, 2)}\n`);
  if (job.kind === "train") await train(job.options, context);
  else await tune(job.options, context);
}

async function runEvaluation(job: EvaluationJob, { progress, signal }: TrainingContext): Promise<void> {
  const engine = await createEngine(job.engine);
  const watched = { ...(progress && { progress }), ...(signal && { signal }) };
  try {
    const open = async (path: string) => {
      const classifier = asClassifier(await readModel(path), path);
      return { classifier, normalization: normalizationFor(classifier, job.normalization) };
    };
    const judged = await open(job.scoresFrom);
    const hint = shapeHint(judged.classifier);
    const test = await openDataset(job.test, hint);
    const ood = (await Promise.all(job.ood.map((set) => openOod(set, hint)))).flat();
    const counts = job.classesOf === undefined ? undefined : await countClasses(job.classesOf);
    const options: Omit<EvaluateOptions, "scores"> = {
      ...{ preset, resamples: 0, ...watched },
      ...(counts === undefined ? {} : { classCounts: counts }),
    };
    const { classifier, normalization } = judged;
    const { classes } = inferShapes(classifier, imageShape(classifier, test.shape));
    const fitted = job.scores.filter(isOutputScore).map((name) => outputPart(name, classifier, classes, counts));
    const scored = { ...options, scores: job.scores, fitted, normalization };
    const evaluation = await evaluate(engine, classifier, test, ood, scored);
    let { id } = evaluation;
    if (job.accuracyFrom !== job.scoresFrom) {
      const other = await open(job.accuracyFrom);
      const settings = { ...options, scores: [], normalization: other.normalization };
      id = (await evaluate(engine, other.classifier, test, [], settings)).id;
    }
    const prior =
      job.priorOf === undefined
        ? undefined
        : await measurePrior(engine, classifier, job.priorOf, { normalization, ...watched });
    const numbers: RunNumbers = {
      ...job.about,
      preset,
      ...accuracies(id),
      scores: detections(evaluation),
      prior:
        prior === undefined
          ? null
          : { share: [...prior.prior], outliers: prior.outliers, class_names: [...(test.classNames ?? [])] },
    };
    await mkdir(dirname(job.result), { recursive: true });
    await writeFileAtomic(job.result, `${JSON.stringify(numbers, null, 2)}\n`);
  } finally {
    await engine.close();
  }
}

async function countClasses(spec: string): Promise<readonly number[]> {
  const dataset = await openDataset(spec);
  const labels = requireLabels(dataset);
  const classes = dataset.classNames?.length ?? labels.reduce((most, label) => Math.max(most, label + 1), 0);
  return [...classCounts(labels, classes)];
}

function accuracies({
  accuracy,
  groups,
  adjusted,
}: Evaluation["id"]): Pick<RunNumbers, "accuracy" | "groups" | "adjusted"> {
  const told = (found: NonNullable<typeof groups>) => ({
    many: finite(found.many),
    medium: finite(found.medium),
    few: finite(found.few),
  });
  return {
    accuracy: accuracy ?? null,
    groups: groups === undefined ? null : told(groups),
    adjusted: adjusted === undefined ? null : { accuracy: adjusted.accuracy, groups: told(adjusted.groups) },
  };
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);

function detections({ rows, average }: Evaluation): RunNumbers["scores"] {
  return Object.fromEntries(
    average.map(({ score, auroc, aupr, fpr95 }) => {
      const own = rows.filter((row) => row.score === score);
      const sets = own.map((row) => [row.ood, { auroc: row.auroc, aupr: row.aupr, fpr95: row.fpr95 }] as const);
      return [score, { average: { auroc, aupr, fpr95 }, sets: Object.fromEntries(sets) }];
    }),
  );
}
