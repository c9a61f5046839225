import type { Calibration } from "../../guard/index.js";
import { percentage } from "../../report/format.js";
import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { namedDataset } from "../named-dataset.js";
import { integer, number, text } from "../parsers.js";
import { anyScore, asImageScores } from "../segmentation/score-names.js";
import { pasteSetFlags, pasteSetOptions } from "../segmentation/set-options.js";
import { refuseFlags, taskOfFile, taskOption } from "../segmentation/task.js";
import { dataset, shared } from "../shared-options.js";

const data = "Model and data:";

export const calibrateCommand = defineCommand({
  name: "calibrate",
  summary: "Choose a score's threshold with a guaranteed rate of false alarms.",
  description:
    "Scores held-out in-distribution images and takes the threshold that fresh images like them exceed with a probability of at most alpha (split conformal prediction). A part of the images is kept back to measure the rate on. OOD sets, where given, tell the share that is detected; they do not move the threshold. For a segmentation network --id are scenes, and alpha is the share of an image's in-distribution pixels that may be called anomalies, in the mean over images (conformal risk control: pixels of one image depend on each other, so what is promised is promised over images), or with --alarm-pixels the share of images with a false alarm.",
  options: {
    model: shared.model,
    task: taskOption,
    id: {
      placeholder: "DS",
      group: data,
      required: true,
      help: "in-distribution images that neither model nor score has seen",
      parser: dataset,
    },
    ood: {
      placeholder: "[NAME=]DS",
      group: data,
      many: {},
      help: "OOD images to measure detection on; may be repeated",
      parser: namedDataset,
    },
    normalize: shared.normalize,
    fit: shared.fit,
    score: { ...shared.readyScore, parser: anyScore },
    alpha: {
      placeholder: "RATE",
      help: "share of in-distribution images, or of the pixels of one, that may be called OOD",
      default: "0.05",
      parser: number({ min: 1e-9, max: 0.999 }),
    },
    fresh: {
      placeholder: "SHARE",
      help: "share of the in-distribution images kept back to measure the rate on",
      default: "0.2",
      parser: number({ min: 0, max: 0.9 }),
    },
    batch: shared.batch,
    seed: { placeholder: "S", help: "which images are kept back", default: "1", parser: integer({ min: 0 }) },
    alarmPixels: {
      placeholder: "N",
      group: "Segmentation:",
      help: "let alpha be the share of images with a false alarm, which is more than N connected pixels",
      default: "alpha is the share of pixels",
      parser: integer({ min: 0, max: 1e9 }),
    },
    ...pasteSetOptions,
    out: { placeholder: "FILE", help: "JSON file to write, for export", parser: text("the path of a JSON file") },
    ...engineOptions,
  },
  examples: [
    {
      does: "One false alarm in twenty",
      line: "calibrate --model model.onnx --id folder:held-out --out threshold.json",
    },
    {
      does: "A fitted score, one in a hundred, and what it detects",
      line: "calibrate --model model.onnx --fit vim.onnx --id folder:held-out --ood dtd=folder:dtd --alpha 0.01 --out vim.json",
    },
    {
      does: "One pixel in a hundred of a segmentation network, and what it finds of pasted objects",
      line: 'calibrate --model deeplab.onnx --id "camvid:camvid?split=val" --alpha 0.01 --ood "pasted=camvid:camvid?split=test" --paste cutouts:objects --out mask.json',
    },
  ],
  async run({ task, ...given }, io) {
    if ((await taskOfFile(given.model, task)) === "segmentation") {
      refuseFlags(given, { batch: "batch" }, "segmentation");
      const { runSegmentationCalibrate } = await import("../segmentation/run-calibrate.js");
      return runSegmentationCalibrate(given, io);
    }
    refuseFlags(given, { alarmPixels: "alarm-pixels", ...pasteSetFlags }, "classification");
    const { model, id, ood = [], normalize, fit, alpha, fresh, seed, batch, out, device, threads } = given;
    const [score] = given.score === undefined ? [] : await asImageScores([given.score], "--score");
    const { openClassifier, withEngine } = await import("../classifier-run.js");
    const { chosenPart } = await import("../fitted-scores.js");
    const { openDataset } = await import("../../data/index.js");
    const { openOodSets } = await import("../ood-sets.js");
    const { writeFileAtomic } = await import("../../files.js");
    const { calibrate } = await import("../../guard/index.js");
    const { imageShape, inferShapes, shapeHint } = await import("../../training/classifier.js");
    const { checkOutputFile } = await import("../output-folder.js");
    if (out !== undefined) await checkOutputFile(out, [model, fit]);
    const { classifier, normalization } = await openClassifier(model, normalize);
    const images = await openDataset(id, { ...shapeHint(classifier), ignoreLabels: true });
    const shape = imageShape(classifier, images.shape);
    const sets = await openOodSets(ood, { ...shapeHint(classifier), shape });
    const part = await chosenPart(fit, score, inferShapes(classifier, shape).classes);
    const { progress, signal } = io;
    const calibration = await withEngine({ device, threads }, (engine) =>
      calibrate(engine, classifier, part, images, sets, {
        ...{ normalization, progress, signal, batch, alpha, fresh, seed },
      }),
    );
    if (out !== undefined) await writeFileAtomic(out, `${JSON.stringify(calibration)}\n`);
    const { scores: _scores, ...summary } = calibration;
    await io.write({ model, ...summary, out: out ?? null }, () => calibrationText(calibration, out));
  },
});

function calibrationText(
  { score, alpha, threshold, count, bound, ...measured }: Calibration,
  out: string | undefined,
): string {
  const share = ({ share: value, images }: { share: number; images: number }) =>
    `${percentage(value)} % of ${images} images`;
  return [
    `OOD when ${score} > ${threshold}`,
    `guarantee: of in-distribution images like the ${count} calibrated with, at most ${percentage(alpha)} % are called OOD on average; with 95 % confidence at most ${percentage(bound)} % by this threshold`,
    ...(measured.false_alarms === null
      ? []
      : [`measured on fresh in-distribution images: ${share(measured.false_alarms)} called OOD`]),
    ...Object.entries(measured.detected).map(([name, found]) => `detected of ${name}: ${share(found)}`),
    ...(out === undefined ? [] : [`written: ${out}`]),
  ].join("\n");
}
