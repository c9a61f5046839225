/** The meta classifier of Meta-OOD: tells segments of an anomaly map that show something from false alarms. Kept as a JSON file. */
import { z } from "zod";
import type { Normalization } from "../../../data/index.js";
import { DataError, FormatError, OptionError } from "../../../errors.js";
import { type Expr, softmax } from "../../../ops/index.js";
import { type Classifier, normalizationFor } from "../../../training/classifier.js";
import { checkNetwork } from "../../fingerprints.js";
import { checkNormalization } from "../../same-normalization.js";
import { refuseNotFinite } from "../finite-scores.js";
import type { PixelExpressions } from "../pixel-graph.js";
import { type PixelPart, pixelPartFingerprint } from "../pixel-part.js";
import { type SegmentMaps, segmentFeatureNames, segmentsOf } from "./segment-features.js";

const judgeFile = z.strictObject({
  format: z.literal("offmap segments 1"),
  /** Whose map the segments are of, and its options. */
  score: z.string(),
  options: z.record(z.string(), z.number()),
  normalization: z.string(),
  /** Fingerprint of the network. */
  network: z.string(),
  /** Fingerprint of the score, with all that it was fitted to. */
  part: z.string(),
  classes: z.int().min(2),
  threshold: z.number(),
  /** By the name of the feature; a segment is a false alarm where weights · features + offset ≥ 0. */
  weights: z.record(z.string(), z.number()),
  offset: z.number(),
});

/** Everything that is needed to judge segments of one score of one network. */
export type SegmentJudge = z.infer<typeof judgeFile>;

/** Output with the softmax over the classes, float32 [1, K, H, W], which features of segments are computed from. */
export const probabilitiesOutput = "offmap.probabilities";

/** Adds {@link probabilitiesOutput} to the outputs. */
export const withProbabilities = ({ outputs, logits }: PixelExpressions): Record<string, Expr> => ({
  ...outputs,
  [probabilitiesOutput]: softmax(logits),
});

export const encodeSegmentJudge = (judge: SegmentJudge): string => `${JSON.stringify(judge, undefined, 2)}\n`;

/** @throws FormatError for anything but what {@link encodeSegmentJudge} gives */
export function decodeSegmentJudge(text: string, file: string): SegmentJudge {
  try {
    const judge = judgeFile.parse(JSON.parse(text));
    const names = segmentFeatureNames(judge.classes);
    const missing = names.find((name) => judge.weights[name] === undefined);
    if (missing === undefined) return judge;
    throw new FormatError({ where: file, expected: `a weight of "${missing}"`, received: "none" });
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof z.ZodError)) throw cause;
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    throw new FormatError({
      where: file,
      expected: "a file that `offmap fit --segments` has written",
      received: issue === undefined ? cause.message : `${issue.path.join(".")}: ${issue.message}`,
      cause,
    });
  }
}

/** @throws OptionError for another network, another score, other options or another fit of it, or another normalisation than the segments were fitted with */
export function checkSegmentJudge(
  judge: SegmentJudge,
  part: PixelPart,
  classifier: Classifier,
  normalization: Normalization | undefined,
): void {
  checkNetwork(judge.network, classifier, "--segments");
  const described = (name: string, values: Readonly<Record<string, number>>) =>
    [name, ...Object.entries(values).map(([option, value]) => `${option}=${value}`)].join(" ");
  const [expected, received] = [described(judge.score, judge.options), described(part.score, part.options)];
  const refuse = (wanted: string, found: string): never => {
    const hint = "give its file with --fit, or fit the segments again";
    throw new OptionError({ where: "--segments", expected: wanted, received: found, hint });
  };
  if (expected !== received) refuse(`the score that the segments are of, ${expected}`, received);
  if (judge.part !== pixelPartFingerprint(part)) {
    refuse(`the fit of ${judge.score} that the segments are of`, "one to other scenes or features");
  }
  checkNormalization(judge.normalization, normalizationFor(classifier, normalization), {
    what: "segments were fitted",
    again: "give the same one, or fit the segments again",
  });
}

export interface JudgedMap {
  /** float32 [H, W] */
  readonly scores: Float32Array;
  readonly segments: number;
  /** Those that are false alarms. */
  readonly removed: number;
}

/**
 * The map without what the classifier takes for false alarms: pixels of such segments get the largest number below the threshold, so that they are
 * called no anomaly and still rank above those that never were.
 *
 * @throws DataError for another number of classes than the classifier was fitted with
 * @throws RunError for a score that is not finite
 */
export function judgeSegments(maps: SegmentMaps, { classes, threshold, weights, offset }: SegmentJudge): JudgedMap {
  const found = maps.probabilities.length / maps.scores.length;
  if (found !== classes) {
    throw new DataError({
      where: "--segments",
      expected: `${classes} classes, as where the segments were fitted`,
      received: String(found),
    });
  }
  refuseNotFinite(maps.scores, "segments");
  const names = segmentFeatureNames(classes);
  const { pixels, features } = segmentsOf(maps, threshold);
  const scores = maps.scores.slice();
  const lowered = below(threshold);
  let removed = 0;
  features.forEach((own, segment) => {
    const evidence = names.reduce((sum, name, at) => sum + (weights[name] as number) * (own[at] as number), offset);
    if (evidence < 0) return;
    removed++;
    for (const pixel of pixels[segment] as Int32Array) scores[pixel] = lowered;
  });
  return { scores, segments: pixels.length, removed };
}

/** The largest float32 below a number. */
export function below(value: number): number {
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  float[0] = value;
  if ((float[0] as number) < value) return float[0] as number;
  // Neighbouring floats have neighbouring bits, counted away from zero.
  if (float[0] === 0) bits[0] = -0x7fffffff;
  else bits[0] = (bits[0] as number) + ((float[0] as number) > 0 ? -1 : 1);
  return float[0] as number;
}
