/** The evaluation protocol of anomaly segmentation: every score over the pixels of one set, and the mIoU of the known classes. */
import {
  countLabels,
  type Normalization,
  outlierLabel,
  pixelKinds,
  requireAnomalies,
  type SegmentationDataset,
  voidLabel,
} from "../../data/index.js";
import {
  checkPixelPart,
  type PixelPart,
  type PixelScoreName,
  predictedOutput,
  readyPixelPart,
  type ScoredScene,
  type SegmentJudge,
  scoreScenes,
  withProbabilities,
} from "../../guard/segmentation/index.js";
import {
  bestF1,
  ComponentMetrics,
  type ComponentResults,
  ConfusionMatrix,
  type DetectionMetrics,
  type Histograms,
  type MeanImageMetrics,
  type MinimumSizes,
  PerImageMetrics,
  PixelRanking,
  type PresetName,
  presetMetrics,
  type Ranking,
  type RocCurve,
  rocCurve,
} from "../../metrics/index.js";
import type { Progress } from "../../progress.js";
import type { Engine } from "../../runtime/index.js";
import type { Classifier } from "../../training/classifier.js";
import { judgedSegments, type SegmentResults } from "./judged-segments.js";
import { pixelHistogram } from "./pixel-histogram.js";
import { type RateScale, rateScale } from "./rate-scale.js";

export interface EvaluateSegmentationOptions {
  /** None for a set without anomalies, of which only the predicted classes are judged. */
  readonly scores: readonly PixelScoreName[];
  /** Scores that were fitted to the model; those of `scores` that need no fit need not be here. */
  readonly fitted?: readonly PixelPart[] | undefined;
  readonly preset: PresetName;
  /** Default: the one that the model remembers, else none. */
  readonly normalization?: Normalization | undefined;
  /** K, where the labels of the set tell no classes. Default: all outputs that the model does not say are none. */
  readonly classNames?: readonly string[] | undefined;
  /** The metrics of every image by itself too, and their means. Default false. */
  readonly perImage?: boolean;
  /** Component metrics, by a second pass over the images, at the threshold of each score with the best F1 of single pixels. */
  readonly components?: MinimumSizes | undefined;
  /** Judges the segments of one of the scores, whose metrics are then found a second time without those that are false alarms. */
  readonly segments?: SegmentJudge | undefined;
  readonly progress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One score; fractions in [0, 1]. The field names are a contract of `offmap eval --json`. */
export interface PixelRow {
  readonly score: PixelScoreName;
  readonly auroc: number;
  /** Of the preset: average precision, or the area under the curve. */
  readonly aupr: number;
  readonly fpr95: number;
  /** Pixels with at least this score are anomalies where 95 % of the anomalous pixels are to be found. */
  readonly threshold95: number;
  /** The same for the best F1 of single pixels. */
  readonly threshold_f1: number;
  readonly f1: number;
  /** Means over the images, another protocol with other numbers; absent where no image has pixels of both kinds. */
  readonly per_image?: MeanImageMetrics;
  /** Absent where no anomaly is large enough to count. */
  readonly components?: ComponentResults;
}

/** One image; `metrics` by score, absent where the image has pixels of one kind only. */
export interface EvaluatedImage {
  readonly index: number;
  readonly name: string;
  readonly metrics: Readonly<Partial<Record<PixelScoreName, DetectionMetrics>>>;
}

/** What plots of a score need. */
export interface PixelCurves {
  readonly roc: RocCurve;
  readonly histogram: Histograms;
  readonly scale: RateScale;
}

export interface SegmentationEvaluation {
  readonly set: string;
  readonly preset: PresetName;
  readonly images: number;
  readonly pixels: { readonly in_distribution: number; readonly anomaly: number; readonly void: number };
  /** K */
  readonly classes: number;
  /** Of the predicted classes on pixels labelled with one; absent where the labels tell no classes. `class_iou` is null for classes that are nowhere. */
  readonly segmentation?: {
    readonly miou: number;
    readonly pixel_accuracy: number;
    readonly class_iou: readonly { readonly class: string; readonly iou: number | null }[];
  };
  readonly rows: readonly PixelRow[];
  readonly segments?: SegmentResults;
  /** Empty without `perImage`. */
  readonly perImage: readonly EvaluatedImage[];
  readonly curves: Readonly<Partial<Record<PixelScoreName, PixelCurves>>>;
  /** The scores as they were used. */
  readonly parts: readonly PixelPart[];
}

const curvePoints = 200;

/**
 * Runs the model once over every image, and fills the table of one set: all valid pixels of all images in one ranking, void pixels nowhere. Memory does not
 * grow with the number of images but as {@link PixelRanking} says.
 *
 * @param dataset  with anomalies, unless no score is asked for
 * @throws DataError for a set without anomalies or with nothing else, for more classes than the model has, or for a score that is not finite
 * @throws OptionError for a score that needs a fit, or another normalisation than it was fitted with
 * @throws UnsupportedError for a score that looks at what the model does not have
 */
export async function evaluateSegmentation(
  engine: Engine,
  classifier: Classifier,
  dataset: SegmentationDataset,
  options: EvaluateSegmentationOptions,
): Promise<SegmentationEvaluation> {
  const parts = options.scores.map(
    (name) => options.fitted?.find(({ score }) => score === name) ?? readyPixelPart(name),
  );
  for (const part of parts) checkPixelPart(part, classifier, options.normalization);
  const judged = judgedSegments(classifier, parts, options);
  if (parts.length > 0) await checkAnomalies(dataset);
  const labels = dataset.classNames === undefined ? { classNames: options.classNames } : dataset;
  const names = labels.classNames;
  let classes = names?.length ?? 0;
  let confusion: ConfusionMatrix | undefined;
  const counts = new Float64Array(256);
  const pooled = parts.map(({ score }) => ({
    score,
    pixels: new PixelRanking(),
    single: new PerImageMetrics(options),
  }));
  const perImage: EvaluatedImage[] = [];
  const { normalization, progress, signal } = options;
  const finish = judged && withProbabilities;
  const scored = { parts, labels, where: dataset.spec, finish, normalization, progress, signal };
  const run: SceneRun = (use) => scoreScenes(engine, classifier, dataset, scored, use);
  await run(({ index, scene, outputs, classes: found }) => {
    classes = found;
    const where = dataset.describe(index);
    countLabels(scene.labels, counts);
    if (dataset.classNames !== undefined) {
      confusion ??= new ConfusionMatrix(classes);
      confusion.add(outputs[predictedOutput]?.data as Uint8Array, scene.labels, where);
    }
    const mask = pixelKinds(scene.labels);
    const metrics: Partial<Record<PixelScoreName, DetectionMetrics>> = {};
    for (const { score, pixels, single } of pooled) {
      const map = outputs[score]?.data as Float32Array;
      pixels.add(map, mask, where);
      const own = options.perImage ? single.add(map, mask, where) : undefined;
      if (own !== undefined) metrics[score] = own;
    }
    judged?.add(scene, outputs, mask, where);
    if (options.perImage) perImage.push({ index, name: dataset.imageName(index), metrics });
  });
  // One ranking after the other, which are the largest things here.
  const found = pooled.map(({ score, pixels, single }) => {
    const ranking = pixels.ranking();
    const mean = options.perImage && single.hasMean ? single.mean() : undefined;
    return {
      row: { ...pixelRow(score, ranking, options.preset), ...(mean && { per_image: mean }) },
      curves: { roc: rocCurve(ranking, curvePoints), histogram: pixelHistogram(ranking), scale: rateScale(ranking) },
    };
  });
  const components =
    options.components === undefined || found.length === 0
      ? []
      : await componentsOf(
          found.map(({ row }) => row),
          options.components,
          dataset,
          run,
        );
  const totals = {
    in_distribution: counts.subarray(0, outlierLabel).reduce((sum, count) => sum + count, 0),
    anomaly: counts[outlierLabel] as number,
    void: counts[voidLabel] as number,
  };
  return {
    set: dataset.name,
    preset: options.preset,
    images: dataset.length,
    pixels: totals,
    classes,
    ...(confusion !== undefined && confusion.total > 0 && { segmentation: segmentationOf(confusion, names ?? []) }),
    rows: found.map(({ row }, index) => ({ ...row, ...(components[index] && { components: components[index] }) })),
    ...(judged && { segments: judged.results() }),
    perImage,
    curves: Object.fromEntries(found.map(({ row, curves }) => [row.score, curves])),
    parts,
  };
}

/** Reads labels until both kinds have been seen, so that a set that has only one is refused before the model runs. */
async function checkAnomalies(dataset: SegmentationDataset): Promise<void> {
  const counts = new Float64Array(256);
  for (let index = 0; index < dataset.length; index++) {
    countLabels((await dataset.readOne(index)).labels, counts);
    if ((counts[outlierLabel] as number) > 0 && counts.subarray(0, outlierLabel).some((count) => count > 0)) return;
  }
  requireAnomalies(counts, dataset.spec);
}

function pixelRow(score: PixelScoreName, ranking: Ranking, preset: PresetName): PixelRow {
  const metrics = presetMetrics(preset);
  const { threshold, f1 } = bestF1(ranking);
  return {
    score,
    auroc: metrics.auroc(ranking),
    aupr: metrics.aupr(ranking),
    fpr95: metrics.fpr95(ranking),
    threshold95: thresholdAt(ranking, 0.95),
    threshold_f1: threshold,
    f1,
  };
}

/** The highest threshold at which at least that share of the outlier pixels is found. */
function thresholdAt({ thresholds, oodCounts, oodTotal }: Ranking, recall: number): number {
  let found = 0;
  let index = -1;
  while (found < recall * oodTotal) found += oodCounts[++index] as number;
  return thresholds[Math.max(0, index)] as number;
}

/** A pass over the scenes. */
type SceneRun = (use: (scene: ScoredScene) => void) => Promise<void>;

async function componentsOf(
  rows: readonly PixelRow[],
  minimum: MinimumSizes,
  dataset: SegmentationDataset,
  run: SceneRun,
): Promise<(ComponentResults | undefined)[]> {
  const metrics = rows.map(({ threshold_f1: threshold }) => new ComponentMetrics({ threshold, minimum }));
  await run(({ index, scene, outputs }) => {
    const mask = pixelKinds(scene.labels);
    rows.forEach(({ score }, place) => {
      const map = outputs[score]?.data as Float32Array;
      metrics[place]?.add(map, mask, scene.width, dataset.describe(index));
    });
  });
  return metrics.map((each) => (each.hasResults ? each.results() : undefined));
}

function segmentationOf(
  confusion: ConfusionMatrix,
  names: readonly string[],
): SegmentationEvaluation["segmentation"] & object {
  return {
    miou: confusion.meanIou(),
    pixel_accuracy: confusion.pixelAccuracy(),
    class_iou: Array.from(confusion.classIou(), (iou, index) => ({
      class: names[index] ?? `class ${index}`,
      iou: Number.isNaN(iou) ? null : iou,
    })),
  };
}
