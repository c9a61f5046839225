import type { Normalization } from "../../data/index.js";
import { openSegmentation } from "../../data/index.js";
import { writeFileAtomic } from "../../files.js";
import { calibratePixels, type PixelCalibration } from "../../guard/segmentation/index.js";
import { count, percentage } from "../../report/format.js";
import type { Device } from "../../runtime/index.js";
import { classNamesOf } from "../../training/class-names.js";
import { openClassifier, withEngine } from "../classifier-run.js";
import type { CommandIo } from "../command-io.js";
import { checkOutputFile } from "../output-folder.js";
import { chosenPixelPart } from "./parts.js";
import { type AnyScoreName, asPixelScores } from "./score-names.js";
import { checkPasting, openTestSets, type SetsTold } from "./sets.js";

export interface SegmentationCalibrateOptions extends Omit<SetsTold, "id"> {
  readonly model: string;
  readonly id: string;
  readonly normalize?: Normalization | undefined;
  readonly fit?: string | undefined;
  readonly score?: AnyScoreName | undefined;
  readonly alpha?: number | undefined;
  readonly alarmPixels?: number | undefined;
  readonly fresh?: number | undefined;
  readonly seed?: number | undefined;
  readonly out?: string | undefined;
  readonly device?: Device | undefined;
  readonly threads?: number | undefined;
}

export async function runSegmentationCalibrate(
  { model, id, normalize, fit, score, out, ...options }: SegmentationCalibrateOptions,
  io: CommandIo,
): Promise<void> {
  checkPasting(options);
  if (out !== undefined) await checkOutputFile(out, [model, fit]);
  const { classifier, normalization } = await openClassifier(model, normalize);
  const scenes = await openSegmentation(id);
  const ood = (options.ood ?? []).length === 0 ? [] : (await openTestSets(options)).ood;
  const [name] = score === undefined ? [] : await asPixelScores([score], "--score");
  const part = await chosenPixelPart(fit, name);
  const { alpha, alarmPixels, fresh, seed } = options;
  const { progress, signal } = io;
  const classNames = classNamesOf(classifier.model);
  const calibration = await withEngine(options, (engine) =>
    calibratePixels(engine, classifier, part, scenes, ood, {
      ...{ normalization, progress, signal, classNames, alpha, alarmPixels, fresh, seed },
    }),
  );
  if (out !== undefined) await writeFileAtomic(out, `${JSON.stringify(calibration)}\n`);
  await io.write({ model, ...calibration, out: out ?? null }, () => calibrationText(calibration, out));
}

function calibrationText(found: PixelCalibration, out: string | undefined): string {
  const { score, alpha, threshold, alarm_pixels: alarmPixels, false_alarms: fresh } = found;
  const images = `images like the ${found.count} calibrated with`;
  const alarm = `a false alarm of more than ${alarmPixels} connected pixels`;
  return [
    `anomaly where ${score} >= ${threshold}`,
    alarmPixels === null
      ? `guarantee: of ${images}, at most ${percentage(alpha)} % of the in-distribution pixels of an image are called anomalies on average (conformal risk control over images, not over pixels)`
      : `guarantee: of ${images}, at most ${percentage(alpha)} % have ${alarm} on average (conformal risk control over images)`,
    ...(fresh === null
      ? []
      : [
          `measured on ${fresh.images} fresh in-distribution images: ${percentage(fresh.share)} % of the pixels of an image called anomalies on average${fresh.images_with_alarm === null ? "" : `, ${percentage(fresh.images_with_alarm)} % of the images with ${alarm}`}`,
        ]),
    ...Object.entries(found.detected).map(
      ([name, { share, pixels }]) => `detected of ${name}: ${percentage(share)} % of ${count(pixels)} anomalous pixels`,
    ),
    ...(out === undefined ? [] : [`written: ${out}`]),
  ].join("\n");
}
