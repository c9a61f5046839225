/** From an evaluation to what the report shows of it. */
import { type EvaluatedSet, type Evaluation, type EvaluationRow, insideAndOutside } from "../benchmarks/index.js";
import type { ImageDataset } from "../data/index.js";
import { argmax, histograms, type Interval, rankScores, rocCurve } from "../metrics/index.js";
import type {
  DetectionCurves,
  DetectionRow,
  MetricValue,
  Mistake,
  ModelResult,
  ReportImage,
  TrainingPoint,
} from "./types.js";

const curvePoints = 200;
const histogramBins = 50;
const shownMistakes = 12;

export interface ModelResultOptions {
  readonly name: string;
  readonly evaluation: Evaluation;
  /** The OOD sets in the order of the evaluation, for the images that are shown. */
  readonly ood: readonly ImageDataset[];
  readonly classNames: readonly string[];
  /** Scores whose rows are shown; the curves are those of the last one. Default: all. */
  readonly scores?: readonly string[];
  readonly training?: readonly TrainingPoint[];
}

export async function modelResult(options: ModelResultOptions): Promise<ModelResult> {
  const { name, evaluation, training } = options;
  const { accuracy, groups, adjusted } = evaluation.id;
  const scores = options.scores ?? evaluation.average.map(({ score }) => score);
  const plotted = scores.at(-1) as string;
  return {
    name,
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(groups === undefined ? {} : { accuracyGroups: groups }),
    ...(adjusted === undefined ? {} : { adjusted }),
    rows: evaluation.rows.filter((row) => scores.includes(row.score)).map((row) => detectionRow(name, row)),
    curves: evaluation.sets.ood.map((set) => curvesOf(evaluation.sets.id, set, plotted)),
    ...(training === undefined ? {} : { training }),
    mistakes: await mostConfident(options),
  };
}

function detectionRow(model: string, row: EvaluationRow): DetectionRow {
  const value = (name: "auroc" | "aupr" | "fpr95"): MetricValue => {
    const interval: Interval | undefined = row.intervals?.[name];
    return interval === undefined
      ? { value: row[name] }
      : { value: row[name], interval: [interval.low, interval.high] };
  };
  return { model, score: row.score, ood: row.ood, auroc: value("auroc"), aupr: value("aupr"), fpr95: value("fpr95") };
}

function curvesOf(id: EvaluatedSet, ood: EvaluatedSet, score: string): DetectionCurves {
  const [inside, outside] = insideAndOutside(id, ood, score);
  const { fpr, tpr } = rocCurve(rankScores(inside, outside), curvePoints);
  return {
    ood: ood.name,
    score,
    roc: Array.from(fpr, (x, index) => [x, tpr[index] as number] as const),
    histogram: histograms(inside, outside, histogramBins),
  };
}

/** The OOD images to which the model gives the largest softmax probability. */
async function mostConfident({ evaluation, ood, classNames }: ModelResultOptions): Promise<Mistake[]> {
  const { classes, sets } = evaluation;
  const all = sets.ood.flatMap((set, place) => {
    const predictions = argmax(set.logits, classes);
    return Array.from(predictions, (predicted, index) => ({
      set: place,
      index,
      predicted,
      confidence: probabilityOf(set.logits.subarray(index * classes, (index + 1) * classes), predicted),
    }));
  });
  const worst = all.sort((a, b) => b.confidence - a.confidence).slice(0, shownMistakes);
  return Promise.all(
    worst.map(async ({ set, index, predicted, confidence }) => ({
      image: await pictureOf(ood[set] as ImageDataset, index),
      set: sets.ood[set]?.name ?? "",
      predicted: classNames[predicted] ?? `class ${predicted}`,
      confidence,
    })),
  );
}

function probabilityOf(logits: Float32Array, index: number): number {
  const top = logits[index] as number;
  return 1 / logits.reduce((sum, value) => sum + Math.exp(value - top), 0);
}

async function pictureOf(dataset: ImageDataset, index: number): Promise<ReportImage> {
  const { data, shape } = await dataset.read([index]);
  const [channels, height, width] = shape;
  const scale = data instanceof Uint8Array ? 1 : 255;
  const shown = channels >= 3 ? 3 : 1;
  const pixels = new Uint8Array(height * width * shown);
  for (let c = 0; c < shown; c++) {
    for (let at = 0; at < height * width; at++) {
      pixels[at * shown + c] = Math.round((data[c * height * width + at] as number) * scale);
    }
  }
  return { data: pixels, width, height, channels: shown };
}
