/** The evaluation protocol: one in-distribution test set, any number of OOD test sets, every score on the same logits. */
import { createGenerator, type ImageDataset, type Normalization } from "../data/index.js";
import { GraphBuilder } from "../graph/builder.js";
import { type PartName, readyPart, type ScorePart, scoreDataset } from "../guard/index.js";
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
import { encodeModel } from "../onnx/index.js";
import type { Engine } from "../runtime/index.js";
import { adjustedLogits } from "../scores/index.js";
import { checkImageClasses } from "../training/class-names.js";
import { type Classifier, imageShape, inferShapes } from "../training/classifier.js";
import type { Progress } from "../training/progress.js";
import type { OodSet } from "./sc-ood.js";

export interface EvaluateOptions {
  readonly scores: readonly PartName[];
  /** Scores that were fitted to the model; those of `scores` that need no fit need not be here. */
  readonly fitted?: readonly ScorePart[] | undefined;
  readonly preset: PresetName;
  /** Default: the one that the model remembers, else none. */
  readonly normalization?: Normalization | undefined;
  /** Images per run; default 250. */
  readonly batch?: number | undefined;
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
  /** Scores of images of an OOD set that count as in-distribution when it is judged. */
  readonly alsoInDistribution?: Readonly<Record<string, Float32Array>>;
}

export interface Evaluation {
  readonly preset: PresetName;
  readonly id: {
    readonly images: number;
    /** Absent when the in-distribution set has no labels. */
    readonly accuracy?: number;
    /** K numbers, NaN for a class without images. Absent with the accuracy. */
    readonly byClass?: Float64Array;
    readonly groups?: Record<keyof ShotGroups, number>;
    /** The same of predictions from adjusted logits, where the class counts are known (Menon et al., ICLR 2021, tau 1). */
    readonly adjusted?: { readonly accuracy: number; readonly groups: Record<keyof ShotGroups, number> };
  };
  readonly rows: readonly EvaluationRow[];
  /** Unweighted means over the OOD sets, one per score; empty without sets. */
  readonly average: readonly Omit<EvaluationRow, "ood" | "intervals">[];
  readonly classes: number;
  readonly sets: { readonly id: EvaluatedSet; readonly ood: readonly EvaluatedSet[] };
}

/** Fixed: intervals describe the test images and should not move between two looks at the same scores. */
const bootstrapSeed = 1;

/**
 * Runs the model over every set once and fills the table. Images of an OOD set that count as in-distribution
 * ({@link OodSet}) join the in-distribution test images in the rows of that set, and in nothing else.
 */
export async function evaluate(
  engine: Engine,
  classifier: Classifier,
  id: ImageDataset,
  ood: readonly OodSet[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { classes } = inferShapes(classifier, imageShape(classifier, id.shape));
  // Before any image is run: labels of other classes make the whole table worthless.
  if (id.labels !== undefined) checkImageClasses(classifier.model, id, classes);
  const adjustment = options.classCounts && adjustmentModel(classes, options.classCounts);
  const parts = options.scores.map(
    (name) => options.fitted?.find(({ score }) => score === name) ?? readyPart(name, classes),
  );
  const score = (dataset: ImageDataset) => scoreDataset(engine, classifier, dataset, parts, options);
  const sets: EvaluatedSet[] = [];
  for (const dataset of [id, ...ood] as readonly OodSet[]) {
    const { name, alsoInDistribution: known } = dataset;
    const scored = { name, ...(await score(dataset)) };
    sets.push(known === undefined ? scored : { ...scored, alsoInDistribution: (await score(known)).scores });
  }
  const [idSet, ...oodSets] = sets as [EvaluatedSet, ...EvaluatedSet[]];
  const rows = oodSets.flatMap((set) => options.scores.map((score) => evaluateRow(idSet, set, score, options)));
  return {
    preset: options.preset,
    id: {
      images: id.length,
      ...(await accuracies(engine, idSet.logits, classes, id, options.classCounts, adjustment)),
    },
    rows,
    average: averages(rows, options.scores),
    classes,
    sets: { id: idSet, ood: oodSets },
  };
}

function evaluateRow(id: EvaluatedSet, ood: EvaluatedSet, score: PartName, options: EvaluateOptions): EvaluationRow {
  const { preset, resamples = 200 } = options;
  const metrics = presetMetrics(preset);
  const ranking = rankScores(...insideAndOutside(id, ood, score));
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

/** What an OOD set is judged by under one score: the scores of all images that count as in-distribution, and of the OOD ones. */
export function insideAndOutside(id: EvaluatedSet, ood: EvaluatedSet, score: string): [Float32Array, Float32Array] {
  const inside = id.scores[score] as Float32Array;
  const outside = ood.scores[score] as Float32Array;
  const known = ood.alsoInDistribution?.[score];
  if (known === undefined) return [inside, outside];
  const both = new Float32Array(inside.length + known.length);
  both.set(inside);
  both.set(known, inside.length);
  return [both, outside];
}

function averages(rows: readonly EvaluationRow[], scores: readonly string[]) {
  if (rows.length === 0) return [];
  return scores.map((score) => {
    const own = rows.filter((row) => row.score === score);
    const mean = (name: DetectionMetricName) => own.reduce((sum, row) => sum + row[name], 0) / own.length;
    return { score, auroc: mean("auroc"), aupr: mean("aupr"), fpr95: mean("fpr95") };
  });
}

async function accuracies(
  engine: Engine,
  logits: Float32Array,
  classes: number,
  { labels }: ImageDataset,
  classCounts?: readonly number[],
  adjustment?: Uint8Array,
): Promise<Omit<Evaluation["id"], "images">> {
  if (labels === undefined) return {};
  const predictions = argmax(logits, classes);
  const told = (predicted: Int32Array) => ({
    accuracy: accuracy(predicted, labels),
    byClass: accuracyByClass(predicted, labels, classes),
  });
  const own = told(predictions);
  if (classCounts === undefined || adjustment === undefined) return own;
  const adjusted = told(argmax(await adjust(engine, logits, classes, adjustment), classes));
  const groupsOf = (byClass: Float64Array) => accuracyByGroup(byClass, shotGroups(classCounts));
  return {
    ...{ ...own, groups: groupsOf(own.byClass) },
    adjusted: { accuracy: adjusted.accuracy, groups: groupsOf(adjusted.byClass) },
  };
}

/** From logits to logits less the advantage of frequent classes. @throws OptionError for a class that was not trained on */
function adjustmentModel(classes: number, counts: readonly number[]): Uint8Array {
  const graph = new GraphBuilder();
  return encodeModel(
    graph.model({ adjusted: adjustedLogits(graph.input("logits", "float32", ["N", classes]), counts) }),
  );
}

async function adjust(engine: Engine, logits: Float32Array, classes: number, model: Uint8Array): Promise<Float32Array> {
  const session = await engine.load(model);
  const data = logits.slice();
  const outputs = await session.run({ logits: { dtype: "float32", dims: [logits.length / classes, classes], data } });
  await session.release();
  return outputs.adjusted?.data as Float32Array;
}
