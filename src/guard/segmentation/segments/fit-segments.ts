/** Fits the classifier of false alarms to scenes with outliers whose place is known. */
import { createGenerator, outlierLabel, pixelKinds, type SegmentationDataset, voidLabel } from "../../../data/index.js";
import { DataError } from "../../../errors.js";
import { bestF1, PixelRanking } from "../../../metrics/index.js";
import type { Tensor } from "../../../onnx/types.js";
import type { Engine } from "../../../runtime/index.js";
import { fitLogistic } from "../../../scores/fit/logistic.js";
import { Sample } from "../../../scores/fit/sample.js";
import { type Classifier, normalizationFor } from "../../../training/classifier.js";
import { networkFingerprint } from "../../fingerprints.js";
import { normalizationText } from "../../same-normalization.js";
import { refuseNotFinite } from "../finite-scores.js";
import { predictedOutput } from "../pixel-graph.js";
import { checkPixelPart, type PixelPart, pixelPartFingerprint } from "../pixel-part.js";
import type { RunScenesOptions } from "../pixel-runner.js";
import { type ScoredScene, scoreScenes } from "../score-scenes.js";
import { type SegmentMaps, segmentFeatureNames, segmentsOf } from "./segment-features.js";
import { probabilitiesOutput, type SegmentJudge, withProbabilities } from "./segment-judge.js";

export interface FitSegmentOptions extends RunScenesOptions {
  /** Pixels with at least this score make the segments; `auto`: the one with the best F1 of single pixels, found in a pass of its own. */
  readonly threshold: number | "auto";
}

export interface FittedSegments {
  readonly judge: SegmentJudge;
  /** Segments that overlap no outlier, and those that do. */
  readonly falseAlarms: number;
  readonly found: number;
  /** How many of either the classifier is right about; of those that it was fitted to, at most 20,000. */
  readonly right: { readonly falseAlarms: number; readonly found: number };
  /** Segments of which more than half is void and nothing an outlier, which say nothing. */
  readonly skipped: number;
}

/** Most segments that the classifier is fitted to. */
const mostSegments = 20_000;

/**
 * The meta classifier of Meta-OOD: a logistic regression that tells segments of an anomaly map that overlap an outlier from those that overlap none
 * (intersection over segment of 0), by {@link segmentFeatureNames}.
 *
 * Chan, Rottmann and Gottschalk, "Entropy Maximization and Meta Classification for Out-of-Distribution Detection in Semantic Segmentation", ICCV 2021. They fit it to the segments of the
 * evaluation set, leaving one out at a time; this one is fitted to scenes of its own, such as training scenes with pasted objects. Both kinds of segments count the same. As
 * scikit-learn's with standardised features, balanced classes and C = 1.
 *
 * @param part  whose map the segments are of
 * @throws DataError for scenes without classes or outliers, or a threshold at which all segments are of one kind
 * @throws OptionError, UnsupportedError as `fitPixelScores`
 */
export async function fitSegments(
  engine: Engine,
  classifier: Classifier,
  dataset: SegmentationDataset,
  part: PixelPart,
  { threshold: asked, ...told }: FitSegmentOptions,
): Promise<FittedSegments> {
  const run = { ...told, normalization: normalizationFor(classifier, told.normalization) };
  checkPixelPart(part, classifier, run.normalization);
  const scored = {
    ...run,
    parts: [part],
    labels: dataset,
    where: dataset.spec,
    finish: withProbabilities,
  };
  const pass = (use: (result: ScoredScene) => void) => scoreScenes(engine, classifier, dataset, scored, use);
  const threshold = asked === "auto" ? await bestThreshold(pass, part, dataset) : asked;
  let classes = 0;
  let sample: Sample | undefined;
  const counts = { falseAlarms: 0, found: 0, skipped: 0 };
  await pass(({ scene, outputs, classes: found }) => {
    classes = found;
    const maps = segmentMaps(part, outputs, scene);
    refuseNotFinite(maps.scores, "segments");
    const names = segmentFeatureNames(classes);
    sample ??= new Sample({ classes: 0, dimension: names.length }, createGenerator(1).fork("segments"), mostSegments);
    const { pixels, features } = segmentsOf(maps, threshold);
    features.forEach((own, segment) => {
      const kind = kindOf(pixels[segment] as Int32Array, scene.labels);
      counts[kind]++;
      if (kind === "skipped") return;
      sample?.add({
        ...{ count: 1, features: own, logits: new Float32Array(0) },
        labels: Int32Array.of(Number(kind === "falseAlarms")),
      });
    });
  });
  if (counts.falseAlarms === 0 || counts.found === 0) {
    throw new DataError({
      where: `segments of ${part.score} at ${threshold}`,
      expected: "segments that overlap outliers, and others that overlap none",
      received: `${counts.found} and ${counts.falseAlarms}`,
      hint: "choose another threshold, or paste objects into more scenes with --paste OBJECTS",
    });
  }
  return {
    ...fitJudge(sample as Sample, classes, part, threshold, { ...run, network: networkFingerprint(classifier) }),
    ...counts,
  };
}

/** The maps of one image among the outputs of a network. */
export function segmentMaps(
  { score }: { readonly score: string },
  outputs: Readonly<Record<string, Tensor>>,
  { height, width }: { readonly height: number; readonly width: number },
): SegmentMaps {
  const data = (name: string) => outputs[name]?.data;
  return {
    ...{ height, width },
    scores: data(score) as Float32Array,
    probabilities: data(probabilitiesOutput) as Float32Array,
    predicted: data(predictedOutput) as Uint8Array,
  };
}

function kindOf(pixels: Int32Array, labels: Uint8Array): "found" | "falseAlarms" | "skipped" {
  let unknown = 0;
  for (const pixel of pixels) {
    if (labels[pixel] === outlierLabel) return "found";
    unknown += Number(labels[pixel] === voidLabel);
  }
  return unknown > pixels.length / 2 ? "skipped" : "falseAlarms";
}

async function bestThreshold(
  pass: (use: (result: ScoredScene) => void) => Promise<void>,
  { score }: PixelPart,
  dataset: SegmentationDataset,
): Promise<number> {
  const pixels = new PixelRanking();
  await pass(({ index, scene, outputs }) => {
    pixels.add(outputs[score]?.data as Float32Array, pixelKinds(scene.labels), dataset.describe(index));
  });
  return bestF1(pixels.ranking()).threshold;
}

function fitJudge(
  sample: Sample,
  classes: number,
  part: PixelPart,
  threshold: number,
  { normalization, network }: Pick<RunScenesOptions, "normalization"> & { readonly network: string },
): Pick<FittedSegments, "judge" | "right"> {
  const names = segmentFeatureNames(classes);
  const { count, features, labels } = sample.rows();
  const rows = Array.from({ length: count }, (_, row) =>
    features.subarray(row * names.length, (row + 1) * names.length),
  );
  // A class that is predicted nowhere gives a column of zeros, which tells nothing.
  const varied = names.map((_, column) => rows.some((row) => row[column] !== rows[0]?.[column]));
  const picked = rows.map((row) => Array.from(row.filter((_, column) => varied[column])));
  const ofKind = (kind: number) => picked.filter((_, row) => labels[row] === kind);
  const fitted = fitLogistic(ofKind(0), ofKind(1), { ridge: 1 / count });
  const columns = names.filter((_, column) => varied[column]);
  const weights = Object.fromEntries(names.map((name) => [name, fitted.weights[columns.indexOf(name)] ?? 0]));
  const right = { falseAlarms: 0, found: 0 };
  picked.forEach((row, at) => {
    const evidence = row.reduce(
      (sum, value, column) => sum + value * (fitted.weights[column] as number),
      fitted.offset,
    );
    if (labels[at] === 1) right.falseAlarms += Number(evidence >= 0);
    else right.found += Number(evidence < 0);
  });
  const normalized = normalizationText(normalization);
  const { score, options } = part;
  const what = { format: "offmap segments 1", score, options, normalization: normalized, network } as const;
  return {
    judge: { ...what, part: pixelPartFingerprint(part), classes, threshold, weights, offset: fitted.offset },
    right,
  };
}
