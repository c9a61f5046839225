/** Evaluates a finished recipe of image classifiers. */
import { classCounts, openDataset, requireLabels } from "../../data/index.js";
import { fitScores, isOutputScore, outputPart, type PartName } from "../../guard/index.js";
import { readModel } from "../../onnx/index.js";
import type { Engine } from "../../runtime/index.js";
import { imageShape, inferShapes } from "../../training/classifier.js";
import { asClassifier, measurePrior, normalizationFor, shapeHint, type TrainingContext } from "../../training/index.js";
import { type EvaluateOptions, type Evaluation, evaluate } from "../evaluate.js";
import { type EvaluatedModel, type EvaluationJob, preset } from "./evaluation-job.js";
import { openOod } from "./keys.js";
import type { Measured, RunNumbers } from "./results.js";
import { fittedImageScores } from "./score-checks.js";

export interface ImageEvaluationJob extends EvaluationJob {
  readonly task: "classification";
  readonly scores: readonly PartName[];
  /** Training images that scores are fitted to, those that need it. */
  readonly fitOn: string;
  /** Training images whose classes are counted, for groups of classes and adjusted logits. */
  readonly classesOf: string | undefined;
  /** Whether accuracy is told with adjusted logits too. */
  readonly adjusts: boolean;
  /** Outliers to count by class. */
  readonly priorOf: string | undefined;
}

export async function evaluateImages(
  engine: Engine,
  job: ImageEvaluationJob,
  { progress, signal }: TrainingContext,
): Promise<Measured> {
  const watched = { ...(progress && { progress }), ...(signal && { signal }) };
  const open = async ({ path, normalization: given }: EvaluatedModel) => {
    const classifier = asClassifier(await readModel(path), path);
    return { classifier, normalization: normalizationFor(classifier, given) };
  };
  const judged = await open(job.scoresFrom);
  const hint = shapeHint(judged.classifier);
  const test = await openDataset(job.test, hint);
  const shape = imageShape(judged.classifier, test.shape);
  const ood = (await Promise.all(job.ood.map((set) => openOod(set, { shape })))).flat();
  const counts = job.classesOf === undefined ? undefined : await countClasses(job.classesOf);
  const options: Omit<EvaluateOptions, "scores"> = {
    ...{ preset, resamples: 0, ...watched },
    ...(counts === undefined ? {} : { classCounts: counts }),
  };
  const { classifier, normalization } = judged;
  const { classes } = inferShapes(classifier, shape);
  const ofOutputs = job.scores.filter(isOutputScore).map((name) => outputPart(name, classifier, classes, counts));
  const toFit = fittedImageScores(job.scores);
  const fitted =
    toFit.length === 0
      ? []
      : await fitScores(engine, classifier, await openDataset(job.fitOn, hint), toFit, { normalization, ...watched });
  const scored = { ...options, scores: job.scores, fitted: [...ofOutputs, ...fitted], normalization };
  const evaluation = await evaluate(engine, classifier, test, ood, scored);
  let { id } = evaluation;
  if (job.accuracyFrom.path !== job.scoresFrom.path) {
    const other = await open(job.accuracyFrom);
    const settings = { ...options, scores: [], normalization: other.normalization };
    id = (await evaluate(engine, other.classifier, test, [], settings)).id;
  }
  const prior =
    job.priorOf === undefined
      ? undefined
      : await measurePrior(engine, classifier, job.priorOf, { normalization, ...watched });
  return {
    ...accuracies(id),
    ...(job.adjusts ? {} : { adjusted: null }),
    scores: detections(evaluation),
    prior:
      prior === undefined
        ? null
        : { share: [...prior.prior], outliers: prior.outliers, class_names: [...(test.classNames ?? [])] },
  };
}

async function countClasses(spec: string): Promise<readonly number[]> {
  const dataset = await openDataset(spec, { unread: true });
  return [...classCounts(requireLabels(dataset), dataset.classCount ?? 0)];
}

function accuracies({
  accuracy,
  byClass,
  groups,
  adjusted,
}: Evaluation["id"]): Pick<RunNumbers, "accuracy" | "class_accuracies" | "groups" | "adjusted"> {
  const told = (found: NonNullable<typeof groups>) => ({
    many: finite(found.many),
    medium: finite(found.medium),
    few: finite(found.few),
  });
  return {
    accuracy: accuracy ?? null,
    ...(byClass === undefined ? {} : { class_accuracies: [...byClass].map(finite) }),
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
