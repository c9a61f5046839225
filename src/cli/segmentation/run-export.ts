import type { Normalization, Size } from "../../data/index.js";
import { OptionError } from "../../errors.js";
import { writeFileAtomic } from "../../files.js";
import { normalizationText } from "../../guard/same-normalization.js";
import {
  anomalyModel,
  asPixelCalibration,
  checkPixelCalibration,
  classesOf,
  pixelShapes,
} from "../../guard/segmentation/index.js";
import { encodeModel } from "../../onnx/index.js";
import { classNamesOf } from "../../training/class-names.js";
import { readCalibration } from "../calibration-file.js";
import { openClassifier } from "../classifier-run.js";
import type { CommandIo } from "../command-io.js";
import { sizeFor } from "../image-size.js";
import { checkOutputFile } from "../output-folder.js";
import { numberedClasses } from "./classes-option.js";
import { chosenPixelPart } from "./parts.js";
import { type AnyScoreName, asPixelScores } from "./score-names.js";
import { requireFlag } from "./task.js";

export interface SegmentationExportOptions {
  readonly model: string;
  readonly fit?: string | undefined;
  readonly score?: AnyScoreName | undefined;
  readonly calibration?: string | undefined;
  readonly threshold?: number | undefined;
  readonly size?: Size | undefined;
  readonly classes?: number | undefined;
  readonly normalize?: Normalization | undefined;
  readonly out: string;
}

export async function runSegmentationExport(
  {
    model,
    fit,
    score,
    calibration: path,
    threshold: given,
    size: asked,
    classes: told,
    normalize,
    out,
  }: SegmentationExportOptions,
  io: CommandIo,
): Promise<void> {
  if (path !== undefined && given !== undefined) {
    throw new OptionError({ where: "export", expected: "either --calibration or --threshold", received: "both" });
  }
  const calibration = path === undefined ? undefined : asPixelCalibration(await readCalibration(path), path);
  const threshold = requireFlag(calibration?.threshold ?? given, "export", "--calibration FILE or --threshold T");
  await checkOutputFile(out, [model, fit, path]);
  const { classifier, normalization } = await openClassifier(model, normalize);
  const calibrated = asked === undefined ? calibration?.size : undefined;
  const [channels, height = calibrated?.height, width = calibrated?.width] = classifier.shape;
  const size = sizeFor([channels, height, width], asked);
  const [name] = score === undefined ? [] : await asPixelScores([score], "--score");
  const part = await chosenPixelPart(fit, name);
  const { outputs } = pixelShapes(classifier, size);
  const names = told === undefined ? classNamesOf(classifier.model) : numberedClasses(told);
  const classes = classesOf(classifier, outputs, { classNames: names }, "--classes");
  if (calibration !== undefined) {
    checkPixelCalibration(calibration, classifier, part, {
      ...{ classes, size, normalization: normalizationText(normalization) },
    });
    if (calibration.size === null) {
      io.warn(
        `the scenes of --calibration differ in size: what the threshold promises was measured over all of their sizes, not for ${size.height}x${size.width} alone`,
      );
    }
  }
  const made = anomalyModel(classifier, part, { classes, size, threshold, normalization, calibration });
  const bytes = encodeModel(made);
  await writeFileAtomic(out, bytes);
  const result = {
    ...{ out, task: "segmentation", bytes: bytes.length },
    inputs: made.graph.inputs.map((input) => input.name),
    outputs: made.graph.outputs.map((output) => output.name),
    ...{ score: part.score, threshold, classes, size: [size.height, size.width] },
  };
  await io.write(result, () =>
    [
      `${out}: ${(bytes.length / 1e6).toFixed(2)} MB, for images of ${size.width} x ${size.height}`,
      `inputs: ${result.inputs.join(", ")}`,
      `outputs: ${result.outputs.join(", ")}`,
      `anomaly_mask where ${part.score} of ${classes} classes >= ${threshold}`,
    ].join("\n"),
  );
}
