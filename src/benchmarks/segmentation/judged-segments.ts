/** What a classifier of false alarms among segments makes of a score's maps: pixel and component metrics before and after. */
import type { Normalization, Scene } from "../../data/index.js";
import { OptionError } from "../../errors.js";
import {
  checkSegmentJudge,
  judgeSegments,
  type PixelPart,
  type SegmentJudge,
  segmentMaps,
} from "../../guard/segmentation/index.js";
import {
  ComponentMetrics,
  type ComponentResults,
  type MinimumSizes,
  PixelRanking,
  type PresetName,
  presetMetrics,
  type Ranking,
} from "../../metrics/index.js";
import type { Tensor } from "../../onnx/types.js";
import type { Classifier } from "../../training/classifier.js";

/** Fractions in [0, 1]. The field names are a contract of `offmap eval --json`. */
export interface SegmentMetrics {
  readonly auroc: number;
  readonly aupr: number;
  readonly fpr95: number;
  /** Share of the anomalous pixels that are called anomalies at the threshold, and of the known ones. */
  readonly tpr: number;
  readonly fpr: number;
  /** At the threshold, of components of the sizes asked for. */
  readonly components?: ComponentResults;
}

export interface SegmentResults {
  readonly score: string;
  readonly threshold: number;
  /** In all images. */
  readonly segments: number;
  readonly removed: number;
  readonly before: SegmentMetrics;
  readonly after: SegmentMetrics;
}

/** As in `EvaluateSegmentationOptions`. */
interface JudgingOptions {
  readonly segments?: SegmentJudge | undefined;
  readonly preset: PresetName;
  readonly components?: MinimumSizes | undefined;
  readonly normalization?: Normalization | undefined;
}

interface JudgedSegmentsOptions {
  readonly preset: PresetName;
  readonly minimum: MinimumSizes | undefined;
}

/** @throws OptionError unless the segments are of this network and of one of the scores, as it is used */
export function judgedSegments(
  classifier: Classifier,
  parts: readonly PixelPart[],
  { segments, preset, components, normalization }: JudgingOptions,
): JudgedSegments | undefined {
  if (segments === undefined || parts.length === 0) return undefined;
  const part = parts.find(({ score }) => score === segments.score);
  if (part === undefined) {
    throw new OptionError({
      where: "--segments",
      expected: `the score that the segments are of, ${segments.score}, among the scores`,
      received: parts.map(({ score }) => score).join(", "),
    });
  }
  checkSegmentJudge(segments, part, classifier, normalization);
  return new JudgedSegments(segments, { preset, minimum: components });
}

class JudgedSegments {
  private segments = 0;
  private removed = 0;
  private readonly before: MapMetrics;
  private readonly after: MapMetrics;

  constructor(
    readonly judge: SegmentJudge,
    options: JudgedSegmentsOptions,
  ) {
    this.before = new MapMetrics(judge.threshold, options);
    this.after = new MapMetrics(judge.threshold, options);
  }

  /**
   * @param outputs  of the network, with those of `withProbabilities`
   * @param mask     [H, W]: 0 known class, 1 anomaly, 255 void
   */
  add(scene: Scene, outputs: Readonly<Record<string, Tensor>>, mask: Uint8Array, where: string): void {
    const { judge } = this;
    const maps = segmentMaps({ score: judge.score }, outputs, scene);
    const { scores, segments, removed } = judgeSegments(maps, judge);
    this.segments += segments;
    this.removed += removed;
    this.before.add(maps.scores, mask, scene.width, where);
    this.after.add(scores, mask, scene.width, where);
  }

  results(): SegmentResults {
    const { score, threshold } = this.judge;
    const { segments, removed, before, after } = this;
    return { score, threshold, segments, removed, before: before.results(), after: after.results() };
  }
}

class MapMetrics {
  private readonly pixels = new PixelRanking();
  private readonly components: ComponentMetrics | undefined;

  constructor(
    private readonly threshold: number,
    private readonly options: JudgedSegmentsOptions,
  ) {
    const { minimum } = options;
    this.components = minimum && new ComponentMetrics({ threshold, minimum });
  }

  add(scores: Float32Array, mask: Uint8Array, width: number, where: string): void {
    this.pixels.add(scores, mask, where);
    this.components?.add(scores, mask, width, where);
  }

  results(): SegmentMetrics {
    const ranking = this.pixels.ranking();
    const { auroc, aupr, fpr95 } = presetMetrics(this.options.preset);
    return {
      ...{ auroc: auroc(ranking), aupr: aupr(ranking), fpr95: fpr95(ranking), ...called(ranking, this.threshold) },
      ...(this.components?.hasResults && { components: this.components.results() }),
    };
  }
}

function called({ thresholds, idCounts, oodCounts, idTotal, oodTotal }: Ranking, threshold: number) {
  let [known, anomalous] = [0, 0];
  for (let at = 0; at < thresholds.length && (thresholds[at] as number) >= threshold; at++) {
    known += idCounts[at] as number;
    anomalous += oodCounts[at] as number;
  }
  return { tpr: anomalous / oodTotal, fpr: known / idTotal };
}
