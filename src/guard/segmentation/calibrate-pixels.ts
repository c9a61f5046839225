/** Chooses the threshold of a score of pixels from held-out in-distribution scenes, and measures what it is worth. */
import { z } from "zod";
import {
  countLabels,
  createGenerator,
  outlierLabel,
  requireAnomalies,
  type SegmentationDataset,
  type Size,
} from "../../data/index.js";
import { DataError, OptionError } from "../../errors.js";
import { alarmLevel, conformalThreshold, largestComponent, nextAbove, PixelRisk } from "../../metrics/index.js";
import type { Engine } from "../../runtime/index.js";
import { type Classifier, normalizationFor } from "../../training/classifier.js";
import { networkFingerprint } from "../fingerprints.js";
import { keptBack } from "../kept-back.js";
import { canonical, normalizationText } from "../same-normalization.js";
import { checkPixelPart, type PixelPart, pixelPartFingerprint } from "./pixel-part.js";
import type { RunScenesOptions, SceneOutputs } from "./pixel-runner.js";
import { scoreScenes } from "./score-scenes.js";

const measured = z.object({
  images: z.number(),
  /** Mean over the images of the share of in-distribution pixels that are flagged. */
  share: z.number(),
  /** Share of the images with a false alarm; null unless that is what alpha is of. */
  images_with_alarm: z.number().nullable(),
});

const calibrationSchema = z.object({
  task: z.literal("segmentation"),
  score: z.string(),
  /** Name of the in-distribution set. */
  dataset: z.string(),
  options: z.record(z.string(), z.number()),
  /** Of the images, as text. */
  normalization: z.string(),
  /** Of the maps, which is that of the labels; null where the scenes that the threshold is from differ in it. */
  size: z.object({ height: z.number(), width: z.number() }).nullable(),
  /** K */
  classes: z.number(),
  /** Fingerprint of the network. */
  network: z.string(),
  /** Fingerprint of the score, with all that it was fitted to. */
  part: z.string(),
  /** What is kept, in (0, 1): the expected share of flagged pixels of an image, or of images with a false alarm. */
  alpha: z.number(),
  /** A false alarm is a flagged component of more pixels than this; null where alpha is of pixels. */
  alarm_pixels: z.number().nullable(),
  /** A pixel is an anomaly when its score is at least this. */
  threshold: z.number(),
  /** Calibration images. */
  count: z.number(),
  /** The rate that is kept, on the calibration images themselves. */
  rate: z.number(),
  /** On in-distribution images that were kept back; null where none were. */
  false_alarms: measured.nullable(),
  /** By the name of each OOD set: the share of its anomalous pixels that are flagged. */
  detected: z.record(z.string(), z.object({ images: z.number(), pixels: z.number(), share: z.number() })),
});

/** A threshold and where it comes from; the content of the file that `offmap calibrate` writes. */
export type PixelCalibration = z.infer<typeof calibrationSchema>;

export interface CalibratePixelsOptions extends Omit<RunScenesOptions, "indices"> {
  /** In (0, 1); 0.05 by default. */
  readonly alpha?: number | undefined;
  /** Alpha is then the share of images with a flagged component of more pixels than this, from 0. Default: alpha is the share of pixels. */
  readonly alarmPixels?: number | undefined;
  /** Share of the in-distribution images that is kept back to measure the rate on; 0.2 by default, 0 for none. */
  readonly fresh?: number | undefined;
  /** Draws the images that are kept back; 1 by default. */
  readonly seed?: number | undefined;
  /** K, where the labels tell no classes. */
  readonly classNames?: readonly string[] | undefined;
}

/**
 * The guarantee is over images, as pixels of one image are not exchangeable with each other: of an image like the calibrated ones, the expected share of
 * in-distribution pixels that are flagged is at most alpha (conformal risk control; Angelopoulos, Bates, Fisch, Lei and Schuster, ICLR 2024; see
 * {@link PixelRisk}). With `alarmPixels` it is the probability that such an image has a false alarm (the same with a loss of 0 or 1, which is split conformal
 * prediction on {@link alarmLevel}s). It says nothing about a single pixel, about images of another kind, or about videos whose frames are half calibrated
 * with and half not: neighbouring frames are not exchangeable with those of another drive.
 *
 * @param id   in-distribution scenes that neither the model nor the score was fitted to; void and anomalous pixels in them count nowhere
 * @param ood  scenes with anomalies to measure detection on; they do not move the threshold
 * @throws DataError for too few images for alpha, which says how many are needed, and for an OOD set without anomalies
 */
export async function calibratePixels(
  engine: Engine,
  classifier: Classifier,
  part: PixelPart,
  id: SegmentationDataset,
  ood: readonly SegmentationDataset[],
  { alpha = 0.05, alarmPixels, fresh = 0.2, seed = 1, classNames, ...run }: CalibratePixelsOptions = {},
): Promise<PixelCalibration> {
  checkPixelPart(part, classifier, run.normalization);
  const order = createGenerator(seed).permutation(id.length);
  const kept = keptBack(id.length, alpha, fresh, "rate");
  const labels = id.classNames === undefined ? { classNames } : id;
  let classes = 0;
  const overScenes = (
    dataset: SegmentationDataset,
    indices: readonly number[] | undefined,
    use: (map: Float32Array, scene: SceneOutputs["scene"], where: string) => void,
  ) =>
    scoreScenes(
      engine,
      classifier,
      dataset,
      { ...run, parts: [part], labels, where: dataset.spec, indices },
      ({ index, scene, outputs, classes: found }) => {
        classes = found;
        use(outputs[part.score]?.data as Float32Array, scene, dataset.describe(index));
      },
    );

  const risk = new PixelRisk();
  const levels: number[] = [];
  let size: Size | null | undefined;
  await overScenes(id, [...order.subarray(kept)], (map, { labels, height, width }, where) => {
    size = size === undefined || isSameSize(size, { height, width }) ? { height, width } : null;
    const mask = knownMask(labels);
    if (alarmPixels === undefined) risk.add(map, mask, where);
    else levels.push(alarmLevel(map, mask, width, alarmPixels, where));
  });
  const { threshold, rate } = alarmPixels === undefined ? ofPixels(risk, alpha) : ofImages(levels, alpha);

  let [share, alarms] = [0, 0];
  if (kept > 0) {
    await overScenes(id, [...order.subarray(0, kept)], (map, { labels, width }) => {
      const flagged = Uint8Array.from(labels, (label, pixel) =>
        label < outlierLabel && (map[pixel] as number) >= threshold ? 1 : 0,
      );
      const known = labels.reduce((sum, label) => sum + (label < outlierLabel ? 1 : 0), 0);
      share += known === 0 ? 0 : flagged.reduce((sum, one) => sum + one, 0) / known / kept;
      if (alarmPixels !== undefined && largestComponent(flagged, width) > alarmPixels) alarms++;
    });
  }
  const detected: PixelCalibration["detected"] = {};
  for (const dataset of ood) {
    const counts = new Float64Array(256);
    let found = 0;
    await overScenes(dataset, undefined, (map, { labels }) => {
      countLabels(labels, counts);
      labels.forEach((label, pixel) => {
        if (label === outlierLabel && (map[pixel] as number) >= threshold) found++;
      });
    });
    requireAnomalies(counts, dataset.spec);
    const pixels = counts[outlierLabel] as number;
    detected[dataset.name] = { images: dataset.length, pixels, share: found / pixels };
  }
  return {
    ...{ task: "segmentation", score: part.score, dataset: id.name, options: { ...part.options } },
    ...{
      normalization: normalizationText(normalizationFor(classifier, run.normalization)),
      size: size ?? null,
      classes,
      alpha,
      alarm_pixels: alarmPixels ?? null,
    },
    ...{ network: networkFingerprint(classifier), part: pixelPartFingerprint(part) },
    ...{ threshold, count: id.length - kept, rate },
    false_alarms:
      kept === 0 ? null : { images: kept, share, images_with_alarm: alarmPixels === undefined ? null : alarms / kept },
    detected,
  };
}

const isSameSize = (one: Size | null, other: Size): boolean =>
  one?.height === other.height && one.width === other.width;

function ofPixels(risk: PixelRisk, alpha: number) {
  const { threshold, share } = risk.threshold(alpha);
  return { threshold, rate: share };
}

/** A decision by `>=` at the next number above is that by `>` of split conformal prediction. */
function ofImages(levels: readonly number[], alpha: number) {
  const { threshold: level } = conformalThreshold(Float32Array.from(levels), alpha);
  return { threshold: nextAbove(level), rate: levels.filter((own) => own > level).length / levels.length };
}

/** Pixels of a class are 0, and all others are left out. */
const knownMask = (labels: Uint8Array): Uint8Array => labels.map((label) => (label < outlierLabel ? 0 : 255));

/** @throws DataError unless it is what {@link calibratePixels} gave */
export function asPixelCalibration(content: unknown, file: string): PixelCalibration {
  const parsed = calibrationSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new DataError({
    where: file,
    expected: "a calibration of a segmentation network that `offmap calibrate` has written",
    received: `${issue?.path.join(".") || "the document"}: ${issue?.message}`,
    hint: "run `offmap calibrate` with the segmentation network",
  });
}

/**
 * @param now  what the threshold is to be used for; `size` is that of the images that a file takes
 * @throws OptionError for a calibration of another network or score, of other classes, with images that are normalised otherwise, or with maps that are all of
 *         another size; one with maps of several sizes suits all
 */
export function checkPixelCalibration(
  { score, options, classes, normalization, size, ...of }: PixelCalibration,
  classifier: Classifier,
  part: PixelPart,
  now: { readonly classes: number; readonly normalization: string; readonly size: Size },
): void {
  const text = (told: { score: string; options: object; classes: number; normalization: string }) =>
    `${told.score} ${JSON.stringify(told.options)} of ${told.classes} classes, images normalised by ${canonical(told.normalization)}`;
  const expected = text({ score: part.score, options: part.options, ...now });
  const received = text({ score, options, classes, normalization });
  const again = "run `offmap calibrate` with the same --model, --fit or --score, --normalize and classes";
  const refuse = (wanted: string, found: string, hint = again): never => {
    throw new OptionError({ where: "--calibration", expected: `a calibration of ${wanted}`, received: found, hint });
  };
  if (expected !== received) refuse(expected, `one of ${received}`);
  if (of.network !== networkFingerprint(classifier)) {
    refuse("this network", "one of a network with other weights or nodes");
  }
  if (of.part !== pixelPartFingerprint(part)) {
    refuse(`this fit of ${score}`, "one of a fit to other scenes or features");
  }
  if (size !== null && !isSameSize(size, now.size)) {
    const told = ({ height, width }: Size) => `scenes of ${height}x${width}`;
    refuse(told(now.size), `one of ${told(size)}`, "calibrate with scenes of the size that the file will take");
  }
}
