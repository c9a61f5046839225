/** Chooses the threshold of a score from held-out in-distribution images, and measures what it is worth. */
import { z } from "zod";
import { createGenerator, type ImageDataset } from "../data/index.js";
import { DataError } from "../errors.js";
import { conformalThreshold, falseAlarmBound } from "../metrics/index.js";
import type { Engine } from "../runtime/index.js";
import { type Classifier, normalizationFor } from "../training/classifier.js";
import type { PredictOptions } from "../training/predict.js";
import { networkFingerprint, partFingerprint } from "./fingerprints.js";
import { keptBack } from "./kept-back.js";
import { normalizationText } from "./same-normalization.js";
import { scoreDataset } from "./score-dataset.js";
import type { ScorePart } from "./score-part.js";

const shareSchema = z.object({ images: z.number(), share: z.number() });
const calibrationSchema = z.object({
  score: z.string(),
  /** Name of the in-distribution set. */
  dataset: z.string(),
  options: z.record(z.string(), z.number()),
  /** Fingerprint of the network. */
  network: z.string(),
  /** Fingerprint of the score, with all that it was fitted to. */
  part: z.string(),
  /** Of the images, as text. */
  normalization: z.string(),
  /** Channels, height and width of the images, as the network has seen them. */
  shape: z.tuple([z.number(), z.number(), z.number()]),
  /** How images of other sizes were brought to the model's; null where there were none. */
  resize: z.enum(["stretch", "crop"]).nullable(),
  /** False-alarm rate that the threshold keeps, in (0, 1). */
  alpha: z.number(),
  /** An image is OOD when its score is greater. */
  threshold: z.number(),
  /** Calibration images. */
  count: z.number(),
  /** Place of the threshold among their scores in ascending order, from 1. */
  rank: z.number(),
  /** With 95 % confidence the rate of this threshold on fresh images is no higher. */
  bound: z.number(),
  /** Share of fresh in-distribution images called OOD; null where none were kept back. */
  false_alarms: shareSchema.nullable(),
  /** Share of each OOD set called OOD, by its name. */
  detected: z.record(z.string(), shareSchema),
  /** Calibration scores in ascending order: what p-values are computed from. */
  scores: z.array(z.number()),
});

/** A threshold and where it comes from; the content of the file that `offmap calibrate` writes. */
export type Calibration = z.infer<typeof calibrationSchema>;

export interface CalibrateOptions extends Omit<PredictOptions, "indices"> {
  /** False-alarm rate, in (0, 1); 0.05 by default. */
  readonly alpha?: number | undefined;
  /** Share of the in-distribution images that is kept back to measure the rate on; 0.2 by default, 0 for none. */
  readonly fresh?: number | undefined;
  /** Draws the images that are kept back; 1 by default. */
  readonly seed?: number | undefined;
}

const confidence = 0.95;

/**
 * @param id   in-distribution images that neither the model nor the score was fitted to
 * @param ood  sets to measure the share of detected images on; they do not move the threshold
 * @throws OptionError for an alpha outside (0, 1), or a share that is not in [0, 1)
 * @throws DataError when there are too few images for the rate asked for; the model is not run then
 */
export async function calibrate(
  engine: Engine,
  classifier: Classifier,
  part: ScorePart,
  id: ImageDataset,
  ood: readonly ImageDataset[],
  { alpha = 0.05, fresh = 0.2, seed = 1, ...run }: CalibrateOptions = {},
): Promise<Calibration> {
  const { score } = part;
  const kept = keptBack(id.length, alpha, fresh, "false-alarm rate");
  const scoresOf = async (dataset: ImageDataset) =>
    (await scoreDataset(engine, classifier, dataset, [part], { ...run, keepLogits: false })).scores[
      score
    ] as Float32Array;
  const all = await scoresOf(id);
  const order = createGenerator(seed).permutation(all.length);
  const pick = (places: Int32Array) => Float32Array.from(places, (place) => all[place] as number);
  const [measured, used] = [pick(order.subarray(0, kept)), pick(order.subarray(kept)).sort()];
  const { threshold, count, rank } = conformalThreshold(used, alpha);
  const shareAbove = (values: Float32Array) => ({
    images: values.length,
    share: values.reduce((sum, value) => sum + (value > threshold ? 1 : 0), 0) / values.length,
  });
  const detected: Record<string, Calibration["detected"][string]> = {};
  for (const dataset of ood) detected[dataset.name] = shareAbove(await scoresOf(dataset));
  return {
    score,
    dataset: id.name,
    options: { ...part.options },
    ...{ network: networkFingerprint(classifier), part: partFingerprint(part) },
    ...{ normalization: normalizationText(normalizationFor(classifier, run.normalization)), resize: id.resize ?? null },
    shape: [...id.shape],
    alpha,
    threshold,
    count,
    rank,
    bound: falseAlarmBound({ count, rank, confidence }),
    false_alarms: kept === 0 ? null : shareAbove(measured),
    detected,
    scores: Array.from(used),
  };
}

/** @throws DataError unless it is what {@link calibrate} gave */
export function asCalibration(content: unknown, file: string): Calibration {
  const parsed = calibrationSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new DataError({
    where: file,
    expected: "a calibration that `offmap calibrate` has written",
    received: `${issue?.path.join(".") || "the document"}: ${issue?.message}`,
    hint: "run `offmap calibrate` again",
  });
}
