import { join } from "node:path";
import type { ScoreOptions } from "../../scores/index.js";
import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { integer, text } from "../parsers.js";
import { sceneFitFlags, sceneFitOptions } from "../segmentation/fit-options.js";
import { anyScore, asImageScores } from "../segmentation/score-names.js";
import { refuseFlags, taskOfFile, taskOption } from "../segmentation/task.js";
import { dataset, shared } from "../shared-options.js";

export const fit = defineCommand({
  name: "fit",
  summary: "Fit OOD scores to a model's training images.",
  description:
    "Runs the model once over in-distribution images and finds what scores such as mahalanobis, knn, vim or react need to know of its features, and the step of generalized-odin. Each becomes a small ONNX file for --fit of eval, score, calibrate and export. For a segmentation network, --segments fits Meta-OOD's classifier of false alarms to the connected segments of a score's map, for --segments of eval and score.",
  options: {
    model: shared.model,
    task: taskOption,
    id: {
      placeholder: "DS",
      group: "Model and data:",
      required: true,
      help: "in-distribution images, best those the model was trained on; some scores need labels",
      parser: dataset,
    },
    normalize: shared.normalize,
    score: {
      placeholder: "NAMES",
      required: true,
      many: { separator: "," },
      help: "scores to fit, separated by commas",
      parser: anyScore,
    },
    layer: {
      placeholder: "TENSOR|auto",
      many: {},
      help: "tensor with the features, [N, D] or [N, D, H, W]; auto: what goes into the last linear layer; may be repeated for scores of several layers",
      default: "auto",
      parser: text("the name of a tensor, or auto"),
    },
    option: {
      placeholder: "NAME=NUMBER",
      many: {},
      help: "an option of the score, such as k=50; may be repeated",
      parser: text("NAME=NUMBER"),
    },
    sample: {
      placeholder: "N",
      help: "most images that are kept whole, for scores that need more than sums",
      default: "50000",
      parser: integer({ min: 1 }),
    },
    batch: shared.batch,
    ...sceneFitOptions,
    out: {
      placeholder: "FILE|DIR",
      required: true,
      help: "ONNX file to write; for several scores a folder; for segments a JSON file",
      parser: text("the path of an ONNX file or a folder"),
    },
    ...engineOptions,
  },
  examples: [
    {
      does: "A score from nearest neighbours",
      line: "fit --model model.onnx --id folder:train --score knn --option k=50 --out knn.onnx",
    },
    {
      does: "Several in one pass",
      line: "fit --model model.onnx --id folder:train --score vim,react,mahalanobis --out scores",
    },
    {
      does: "Densities of three layers of a segmentation network, weighed on pasted objects",
      line: 'fit --model deeplab.onnx --id "camvid:camvid?split=train" --paste cutouts:objects --score flow-density-logistic --layer low --layer aspp --layer decoder --out flow.onnx',
    },
    {
      does: "A classifier of false alarms among the segments of an anomaly map",
      line: 'fit --model deeplab.onnx --id "camvid:camvid?split=val" --paste cutouts:objects --score entropy --segments auto --out segments.json',
    },
  ],
  async run({ task, ...given }, io) {
    if ((await taskOfFile(given.model, task)) === "segmentation") {
      refuseFlags(given, { batch: "batch", sample: "sample" }, "segmentation");
      const { runSegmentationFit } = await import("../segmentation/run-fit.js");
      return runSegmentationFit(given, io);
    }
    refuseFlags(given, sceneFitFlags, "classification");
    const { model, id, normalize, score, layer = [], option = [], sample, batch, out, ...engineChoices } = given;
    const { OptionError } = await import("../../errors.js");
    const { openClassifier, withEngine } = await import("../classifier-run.js");
    const { scoreOptions } = await import("../fitted-scores.js");
    const { openDataset } = await import("../../data/index.js");
    const { writeFileAtomic } = await import("../../files.js");
    const { fitScores } = await import("../../guard/index.js");
    const { encodeModel } = await import("../../onnx/index.js");
    const { shapeHint } = await import("../../training/index.js");
    const { checkOutputFile, makeOutputFolder } = await import("../output-folder.js");
    const names = await asImageScores(score, "--score");
    if (layer.length > 1) {
      throw new OptionError({
        where: "--layer",
        expected: "one tensor, as scores of image classifiers look at one layer",
        received: layer.join(", "),
        hint: "fit once for each layer, and weigh the scores by `offmap combine`",
      });
    }
    const single = names.length === 1;
    const fileOf = (name: string) => (single ? out : join(out, `${name}.onnx`));
    if (!single) await makeOutputFolder(out);
    for (const name of names) await checkOutputFile(fileOf(name), [model]);
    const { classifier, normalization } = await openClassifier(model, normalize);
    const images = await openDataset(id, shapeHint(classifier));
    const { progress, signal } = io;
    const own = scoreOptions(option);
    const options = Object.fromEntries(names.map((name) => [name, own]));
    const [tensor] = layer.filter((each) => each !== "auto");
    const started = performance.now();
    const parts = await withEngine(engineChoices, (engine) =>
      fitScores(engine, classifier, images, names, {
        ...{ normalization, progress, signal, batch, layer: tensor, sample, options, onNote: io.warn },
      }),
    );
    const seconds = (performance.now() - started) / 1000;
    const written: { score: string; options: ScoreOptions; features: string | null; file: string; bytes: number }[] =
      [];
    for (const part of parts) {
      const bytes = encodeModel(part.model);
      const file = fileOf(part.score);
      await writeFileAtomic(file, bytes);
      written.push({
        score: part.score,
        options: part.options,
        features: part.features ?? null,
        file,
        bytes: bytes.length,
      });
    }
    await io.write({ model, id, images: images.length, seconds, fitted: written }, () =>
      [
        `fitted to ${images.length} images in ${seconds.toFixed(1)} s`,
        ...written.map(({ score: name, file, bytes, features, options: used }) =>
          [
            `${name}: ${file}`,
            `${(bytes / 1000).toFixed(0)} kB`,
            ...Object.entries(used).map(([option, value]) => `${option}=${value}`),
            ...(features === null ? [] : [`features of ${features}`]),
          ].join(", "),
        ),
      ].join("\n"),
    );
  },
});
