/** The evaluation protocol: one in-distribution test set, any number of OOD test sets, every score on the same logits. */
import { checkClassCount, createGenerator, type ImageDataset, type Normalization } from "../data/index.js";
import { readyPart, type ScorePart, scoreDataset } from "../guard/index.js";
import {
  accuracy,
  accuracyByClass,
  accuracyByGroup,
  argmax,
  bootstrapIntervals,
  type DetectionMetricName,
  type Interval,
  type PresetName,
  presetMetrics,
  rankScores,
  type ShotGroups,
  shotGroups,
} from "../metrics/index.js";
import type { Engine } from "../runtime/index.js";
import type { ScoreName } from "../scores/index.js";
import { type Classifier, imageShape, inferShapes } from "../training/classifier.js";
import type { Progress } from "../training/progress.js";

export interface EvaluateOptions {
  readonly scores: readonly ScoreName[];
  /** Scores that were fitted to the model; those of `scores` that need no fit need not be here. */
  readonly fitted?: readonly ScorePart[] | undefined;
  readonly preset: PresetName;
  readonly normalization?: Normalization | undefined;
  /** Images per run; default 250. */
  readonly batch?: number;
  /** Bootstrap resamples for the 95 % intervals; 0 leaves the intervals out. Default 200. */
  readonly resamples?: number;
  /** Images per class in the training set, for many/medium/few-shot accuracy. */
  readonly classCounts?: readonly number[];
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** One OOD set under one score; fractions in [0, 1]. The field names are a contract of `offmap eval --json`. */
export interface EvaluationRow {
  readonly ood: string;
  readonly score: string;
  readonly auroc: number;
  readonly aupr: number;
  readonly fpr95: number;
  /** 95 % percentile bootstrap intervals over the test images. */
  readonly intervals?: Readonly<Record<DetectionMetricName, Interval>>;
}

/** What the scores were computed from, for plots and further analysis. */
export interface EvaluatedSet {
  readonly name: string;
  /** [N, K] */
  readonly logits: Float32Array;
  readonly scores: Readonly<Record<string, Float32Array>>;
}

export interface Evaluation {
  readonly preset: PresetName;
  readonly id: {
    readonly images: number;
    /** Absent when the in-distribution set has no labels. */
    readonly accuracy?: number;
    readonly groups?: Record<keyof ShotGroups, number>;
  };
  readonly rows: readonly EvaluationRow[];
  /** Unweighted means over the OOD sets, one per score. */
  readonly average: readonly Omit<EvaluationRow, "ood" | "intervals">[];
  readonly classes: number;
  readonly sets: { readonly id: EvaluatedSet; readonly ood: readonly EvaluatedSet[] };
}

/** Fixed: intervals describe the test images and should not move between two looks at the same scores. */
const bootstrapSeed = 1;

/** Runs the model over every set once and fills the table. */
export async function evaluate(
  engine: Engine,
  classifier: Classifier,
  id: ImageDataset,
  ood: readonly ImageDataset[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { classes } = inferShapes(classifier, imageShape(classifier, id.shape));
  // Before any image is run: labels of other classes make the whole table worthless.
  if (id.labels !== undefined) checkClassCount(id, classes);
  const parts = options.scores.map(
    (name) => options.fitted?.find(({ score }) => score === name) ?? readyPart(name, classes),
  );
  const sets: EvaluatedSet[] = [];
  for (const dataset of [id, ...ood]) {
    sets.push({ name: dataset.name, ...(await scoreDataset(engine, classifier, dataset, parts, options)) });
  }
  const [idSet, ...oodSets] = sets as [EvaluatedSet, ...EvaluatedSet[]];
  const rows = oodSets.flatMap((set) => options.scores.map((score) => evaluateRow(idSet, set, score, options)));
  return {
    preset: options.preset,
    id: { images: id.length, ...accuracies(idSet.logits, classes, id, options.classCounts) },
    rows,
    average: averages(rows, options.scores),
    classes,
    sets: { id: idSet, ood: oodSets },
  };
}

function evaluateRow(id: EvaluatedSet, ood: EvaluatedSet, score: ScoreName, options: EvaluateOptions): EvaluationRow {
  const { preset, resamples = 200 } = options;
  const metrics = presetMetrics(preset);
  const ranking = rankScores(id.scores[score] as Float32Array, ood.scores[score] as Float32Array);
  const row = {
    ood: ood.name,
    score,
    auroc: metrics.auroc(ranking),
    aupr: metrics.aupr(ranking),
    fpr95: metrics.fpr95(ranking),
  };
  if (resamples === 0) return row;
  const generator = createGenerator(bootstrapSeed);
  return { ...row, intervals: bootstrapIntervals(ranking, metrics, { generator, replicates: resamples }) };
}

function averages(rows: readonly EvaluationRow[], scores: readonly string[]) {
  return scores.map((score) => {
    const own = rows.filter((row) => row.score === score);
    const mean = (name: DetectionMetricName) => own.reduce((sum, row) => sum + row[name], 0) / own.length;
    return { score, auroc: mean("auroc"), aupr: mean("aupr"), fpr95: mean("fpr95") };
  });
}

function accuracies(logits: Float32Array, classes: number, { labels }: ImageDataset, classCounts?: readonly number[]) {
  if (labels === undefined) return {};
  const predictions = argmax(logits, classes);
  const overall = accuracy(predictions, labels);
  if (classCounts === undefined) return { accuracy: overall };
  const groups = accuracyByGroup(accuracyByClass(predictions, labels, classes), shotGroups(classCounts));
  return { accuracy: overall, groups };
}
