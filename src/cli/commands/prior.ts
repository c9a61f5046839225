import { writeFileAtomic } from "../../files.js";
import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { text } from "../parsers.js";
import { dataset, shared } from "../shared-options.js";

export const prior = defineCommand({
  name: "prior",
  summary: "Count how a model spreads outliers over its classes.",
  description:
    "Step 1 of balanced-energy fine-tuning: runs the untouched model over the outliers and counts which class it takes each for. `offmap tune` does this by itself; with the file written here it need not be done again.",
  options: {
    model: shared.model,
    outliers: {
      placeholder: "DS",
      group: "Model and data:",
      required: true,
      help: "dataset of outliers; labels are not looked at",
      parser: dataset,
    },
    normalize: shared.normalize,
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
  ],
  async run({ model, outliers, normalize, out, ...engineChoices }, io) {
    const { openClassifier, withEngine } = await import("../classifier-run.js");
    const { classNamesOf } = await import("../class-names.js");
    const { measurePrior } = await import("../../training/index.js");
    const { priorDocument } = await import("../prior-document.js");
    const { priorText } = await import("../prior-text.js");
    const { checkOutputFile } = await import("../output-folder.js");
    if (out !== undefined) await checkOutputFile(out);
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
      await writeFileAtomic(`${out.replace(/\.json$/, "")}.svg`, chart);
    }
    await io.write(document, () => priorText(found, io.columns));
  },
});
