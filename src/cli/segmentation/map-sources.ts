/** Where the maps of `offmap score` come from: a score on top of a network, or what an exported network gives itself. */
import type { Size } from "../../data/index.js";
import { checkNormalization, normalizationText } from "../../guard/same-normalization.js";
import {
  checkPixelPart,
  checkSegmentJudge,
  describedAnomalies,
  judgeSegments,
  predictedOutput,
  type RunScenesOptions,
  refuseNotFinite,
  runAnomalyModel,
  scoreScenes,
  segmentMaps,
  withProbabilities,
} from "../../guard/segmentation/index.js";
import type { Engine } from "../../runtime/index.js";
import { classNamesOf } from "../../training/class-names.js";
import { normalizationFor } from "../../training/index.js";
import type { OpenedClassifier } from "../classifier-run.js";
import { numberedClasses } from "./classes-option.js";
import type { Pictures } from "./open-pictures.js";
import { chosenPixelPart, readSegmentJudge } from "./parts.js";
import { type AnyScoreName, asPixelScores } from "./score-names.js";

/** The map of one image; scores are higher for more out-of-distribution. */
export interface FoundMap {
  readonly index: number;
  readonly size: Size;
  readonly map: Float32Array;
  /** [H, W] */
  readonly predicted: Uint8Array;
  readonly counts: MapCounts;
}

export interface MapCounts {
  /** Segments of the map, and those that were judged false alarms and lowered; with a classifier of segments. */
  readonly segments?: number;
  readonly removed?: number;
  /** Pixels that an exported network's mask calls anomalies. */
  readonly flagged?: number;
}

export interface MapSource {
  /** Name of the score. */
  readonly score: string;
  /** Of an exported network: pixels with at least this score are flagged. */
  readonly threshold?: number;
  readonly run: (
    engine: Engine,
    pictures: Pictures,
    options: Pick<RunScenesOptions, "progress" | "signal">,
    use: (found: FoundMap) => Promise<void>,
  ) => Promise<void>;
}

/**
 * @throws FormatError for a file whose metadata do not say what they must
 * @throws OptionError for another normalisation than it was exported with
 */
export function exportedMaps({ classifier, normalization }: OpenedClassifier, path: string): MapSource {
  const { score, threshold, classes } = describedAnomalies(classifier.model, path);
  checkNormalization(normalizationText(normalizationFor(classifier, undefined)), normalization, {
    what: "model was exported",
    again: "leave it out, as the model remembers it",
  });
  return {
    score,
    threshold,
    run: (engine, pictures, options, use) =>
      runAnomalyModel(engine, classifier, pictures, { ...options, normalization, classes }, ({ mask, ...found }) => {
        refuseNotFinite(found.map, pictures.describe(found.index));
        return use({ ...found, counts: { flagged: mask.reduce((sum, flag) => sum + flag, 0) } });
      }),
  };
}

export interface ScoreTold {
  readonly score?: AnyScoreName | undefined;
  readonly fit?: string | undefined;
  /** K: outputs beyond are left out. */
  readonly classes?: number | undefined;
  /** File of a classifier of segments. */
  readonly segments?: string | undefined;
}

/** @throws OptionError for a score or a classifier of segments that does not fit */
export async function scoredMaps(
  { classifier, normalization }: OpenedClassifier,
  path: string,
  { score, fit, classes, segments }: ScoreTold,
): Promise<MapSource> {
  const [name] = score === undefined ? [] : await asPixelScores([score], "--score");
  const part = await chosenPixelPart(fit, name);
  checkPixelPart(part, classifier, normalization);
  const judge = segments === undefined ? undefined : await readSegmentJudge(segments);
  if (judge !== undefined) checkSegmentJudge(judge, part, classifier, normalization);
  const classNames = classes === undefined ? classNamesOf(classifier.model) : numberedClasses(classes);
  const how = { parts: [part], labels: { classNames }, where: path, finish: judge && withProbabilities };
  return {
    score: part.score,
    run: (engine, pictures, options, use) =>
      scoreScenes(engine, classifier, pictures, { ...how, ...options, normalization }, ({ index, scene, outputs }) => {
        const size = { height: scene.height, width: scene.width };
        const raw = outputs[part.score]?.data as Float32Array;
        refuseNotFinite(raw, pictures.describe(index));
        const judged = judge && judgeSegments(segmentMaps(part, outputs, size), judge);
        return use({
          ...{ index, size },
          map: judged?.scores ?? raw,
          predicted: outputs[predictedOutput]?.data as Uint8Array,
          counts: judged === undefined ? {} : { segments: judged.segments, removed: judged.removed },
        });
      }),
  };
}
