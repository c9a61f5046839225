import { writeFileAtomic } from "../../files.js";
import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { integer, text } from "../parsers.js";
import { featherOption, pasteScaleOption } from "../segmentation/paste-options.js";
import { refuseFlags, taskOfFile, taskOption } from "../segmentation/task.js";
import { dataset, shared } from "../shared-options.js";

const group = "Segmentation:";

export const prior = defineCommand({
  name: "prior",
  summary: "Count how a model spreads outliers over its classes.",
  description:
    "Step 1 of balanced-energy fine-tuning: runs the untouched model over the outliers and counts which class it takes each for. `offmap tune` does this by itself; with the file written here it need not be done again. For a segmentation network objects are pasted into scenes, and their pixels counted.",
  options: {
    model: shared.model,
    task: taskOption,
    outliers: {
      placeholder: "DS",
      group: "Model and data:",
      required: true,
      help: "dataset of outliers, whose labels are not looked at; objects such as cutouts:DIR for a segmentation network",
      parser: dataset,
    },
    normalize: shared.normalize,
    id: {
      placeholder: "DS",
      group,
      help: "scenes to paste objects into, best those of training; required for a segmentation network",
      parser: dataset,
    },
    scenes: {
      placeholder: "N",
      group,
      help: "scenes to make, each with one object",
      default: "10000",
      parser: integer({ min: 1, max: 1e9 }),
    },
    pasteScale: pasteScaleOption,
    feather: featherOption,
    seed: {
      placeholder: "S",
      group,
      help: "start of all randomness",
      default: "1",
      parser: integer({ min: 0, max: 2 ** 31 - 1 }),
    },
    out: {
      placeholder: "FILE",
      help: "JSON file to write, with a bar chart beside it (.svg)",
      parser: text("the path of a JSON file"),
    },
    ...engineOptions,
  },
  examples: [
    { does: "Look at the prior", line: "prior --model model.onnx --outliers folder:outliers" },
    {
      does: "Keep it for several runs of tune",
      line: "prior --model model.onnx --outliers folder:outliers --normalize 0.5:0.25 --out prior.json",
    },
    {
      does: "Over the pixels of pasted objects",
      line: 'prior --model deeplab.onnx --id "camvid:camvid?split=train" --outliers cutouts:objects --out prior.json',
    },
  ],
  async run({ task, ...given }, io) {
    if ((await taskOfFile(given.model, task)) === "segmentation") {
      const { runSegmentationPrior } = await import("../segmentation/run-prior.js");
      return runSegmentationPrior(given, io);
    }
    const sceneFlags = { id: "id", scenes: "scenes", seed: "seed", pasteScale: "paste-scale", feather: "feather" };
    refuseFlags(given, sceneFlags, "classification");
    const { model, outliers, normalize, out, device, threads } = given;
    const engineChoices = { device, threads };
    const { openClassifier, withEngine } = await import("../classifier-run.js");
    const { classNamesOf } = await import("../../training/class-names.js");
    const { measurePrior } = await import("../../training/index.js");
    const { chartFile, priorDocument } = await import("../prior-document.js");
    const { priorText } = await import("../prior-text.js");
    const { checkOutputFile } = await import("../output-folder.js");
    for (const file of out === undefined ? [] : [out, chartFile(out)]) await checkOutputFile(file, [model]);
    const { classifier, normalization } = await openClassifier(model, normalize);
    const classNames = classNamesOf(classifier.model);
    const { progress, signal } = io;
    const found = await withEngine(engineChoices, (engine) =>
      measurePrior(engine, classifier, outliers, {
        normalization,
        progress,
        signal,
        ...(classNames === undefined ? {} : { classNames }),
      }),
    );
    const document = priorDocument(found);
    if (out !== undefined) {
      const { renderPriorChart } = await import("../../report/index.js");
      const names = classNames ?? found.counts.map((_, index) => `class ${index}`);
      await writeFileAtomic(out, `${JSON.stringify(document, null, 2)}\n`);
      const chart = renderPriorChart({ classNames: names, share: found.prior, outliers: found.outliers });
      await writeFileAtomic(chartFile(out), chart);
    }
    await io.write(document, () => priorText(found, io.columns));
  },
});
