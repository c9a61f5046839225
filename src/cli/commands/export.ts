import { defineCommand } from "../command.js";
import { sizeFor, sizeParser } from "../image-size.js";
import { toggle } from "../option.js";
import { number, text } from "../parsers.js";
import { classesOption } from "../segmentation/classes-option.js";
import { anyScore, asImageScores } from "../segmentation/score-names.js";
import { refuseFlags, requireFlag, taskOfFile, taskOption } from "../segmentation/task.js";
import { dataset, shared } from "../shared-options.js";

export const exportCommand = defineCommand({
  name: "export",
  summary: "Put score and decision into the model's own ONNX file.",
  description:
    "Writes one ONNX file with the model's own outputs and, after them, ood_score, ood_p_value and is_ood, made of standard operators: it runs wherever ONNX Runtime does. With --preprocess it takes uint8 images [N, H, W, C] of any size and resizes and normalises them itself. A segmentation network gets anomaly_map, float32 [N, 1, H, W], and anomaly_mask, which says map >= threshold: that of --calibration, or --threshold, of which `offmap eval` tells some.",
  options: {
    model: shared.model,
    task: taskOption,
    fit: shared.fit,
    score: { ...shared.readyScore, parser: anyScore },
    calibration: {
      placeholder: "FILE",
      help: "what `offmap calibrate` has written for this score; required for an image classifier, and for a segmentation network without --threshold",
      parser: text("the path of a JSON file"),
    },
    normalize: shared.normalize,
    preprocess: toggle("take uint8 images of any size, and resize and normalise them inside"),
    classCounts: {
      placeholder: "DS",
      parser: dataset,
      help: "labelled training images to count classes in: the output adjusted_logits then predicts as if all classes had been equally frequent",
    },
    size: {
      placeholder: "HxW",
      help: "size of the images, for a model that takes any",
      default: "that of the images of --calibration",
      parser: sizeParser,
    },
    threshold: {
      placeholder: "T",
      group: classesOption.group,
      help: "score from which on a pixel is an anomaly, for a segmentation network without --calibration",
      parser: number(),
    },
    classes: classesOption,
    out: { placeholder: "FILE", required: true, help: "ONNX file to write", parser: text("the path of an ONNX file") },
  },
  examples: [
    { does: "A model that knows", line: "export --model model.onnx --calibration threshold.json --out guarded.onnx" },
    {
      does: "For raw photos",
      line: "export --model model.onnx --fit vim.onnx --calibration vim.json --preprocess --out guarded.onnx",
    },
    {
      does: "Classes of a model that was trained on a long tail",
      line: "export --model model.onnx --calibration threshold.json --class-counts folder:train --out guarded.onnx",
    },
    {
      does: "A segmentation network whose anomaly mask keeps a rate of false alarms",
      line: "export --model deeplab.onnx --calibration mask.json --out guarded.onnx",
    },
    {
      does: "A segmentation network with an anomaly map",
      line: "export --model deeplab.onnx --score energy --threshold -4.5 --out guarded.onnx",
    },
  ],
  async run({ task, ...given }, io) {
    if ((await taskOfFile(given.model, task)) === "segmentation") {
      refuseFlags(given, { preprocess: "preprocess", classCounts: "class-counts" }, "segmentation");
      const { runSegmentationExport } = await import("../segmentation/run-export.js");
      return runSegmentationExport(given, io);
    }
    refuseFlags(given, { threshold: "threshold", classes: "classes" }, "classification");
    const { model, fit, normalize, preprocess = false, classCounts, size, out } = given;
    const path = requireFlag(given.calibration, "export", "--calibration FILE");
    const [score] = given.score === undefined ? [] : await asImageScores([given.score], "--score");
    const { readCalibration } = await import("../calibration-file.js");
    const { countClasses } = await import("../class-counts.js");
    const { openClassifier } = await import("../classifier-run.js");
    const { chosenPart } = await import("../fitted-scores.js");
    const { writeFileAtomic } = await import("../../files.js");
    const { asCalibration, guardedModel } = await import("../../guard/index.js");
    const { encodeModel } = await import("../../onnx/index.js");
    const { imageShape, inferShapes } = await import("../../training/classifier.js");
    const { checkOutputFile } = await import("../output-folder.js");
    await checkOutputFile(out, [model, fit, path]);
    const { classifier, normalization } = await openClassifier(model, normalize);
    const calibration = asCalibration(await readCalibration(path), path);
    const [channels, height, width] = calibration.shape;
    const images = size === undefined ? { height, width } : sizeFor(classifier.shape, size);
    const shape = imageShape(classifier, [channels, images.height, images.width]);
    const part = await chosenPart(fit, score, inferShapes(classifier, shape).classes);
    const guarded = guardedModel(classifier, part, calibration, {
      ...{ normalization, shape, preprocess },
      ...(classCounts === undefined ? {} : { classCounts: await countClasses(classCounts) }),
    });
    const bytes = encodeModel(guarded);
    await writeFileAtomic(out, bytes);
    const names = (values: readonly { name: string }[]) => values.map(({ name }) => name);
    const result = {
      out,
      bytes: bytes.length,
      inputs: names(guarded.graph.inputs),
      outputs: names(guarded.graph.outputs),
      score: part.score,
      threshold: calibration.threshold,
    };
    await io.write(result, () =>
      [
        `${out}: ${(bytes.length / 1e6).toFixed(2)} MB`,
        `inputs: ${result.inputs.join(", ")}`,
        `outputs: ${result.outputs.join(", ")}`,
        `is_ood when ${part.score} > ${calibration.threshold}`,
      ].join("\n"),
    );
  },
});
