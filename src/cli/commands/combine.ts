import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { text } from "../parsers.js";
import { dataset, optional, shared } from "../shared-options.js";

export const combine = defineCommand({
  name: "combine",
  summary: "Weigh several fitted scores into one.",
  description:
    "Scores in-distribution and OOD images with every score given, and finds weights by logistic regression; without OOD images the scores are standardised over the in-distribution ones and averaged. Mahalanobis distances of several layers (`offmap fit --layer`) make the feature ensemble of Lee et al. 2018. The OOD images must not be those that the result is tested on: else it has seen what it is asked. The file is a score for --fit.",
  options: {
    fit: {
      positional: true,
      placeholder: "FITS",
      required: true,
      many: {},
      help: "two or more scores that `offmap fit` has written",
      parser: text("the path of an ONNX file"),
    },
    model: shared.model,
    id: {
      placeholder: "DS",
      group: "Model and data:",
      required: true,
      help: "in-distribution images that neither model nor scores have seen",
      parser: dataset,
    },
    ood: optional(
      { ...shared.oodSets, placeholder: "DS" },
      "OOD images to find the weights with, apart from the test sets; may be repeated; without, all scores count the same",
    ),
    normalize: shared.normalize,
    batch: shared.batch,
    out: { placeholder: "FILE", required: true, help: "ONNX file to write", parser: text("the path of an ONNX file") },
    ...engineOptions,
  },
  examples: [
    {
      does: "Two layers' Mahalanobis distances",
      line: "combine early.onnx late.onnx --model model.onnx --id folder:held-out --ood folder:others --out both.onnx",
    },
  ],
  async run({ model, fit, id, ood = [], normalize, batch, out, ...engineChoices }, io) {
    const { openClassifier, withEngine } = await import("../classifier-run.js");
    const { readPart } = await import("../fitted-scores.js");
    const { openDataset } = await import("../../data/index.js");
    const { openOodSets } = await import("../ood-sets.js");
    const { writeFileAtomic } = await import("../../files.js");
    const { combineScores } = await import("../../guard/index.js");
    const { encodeModel } = await import("../../onnx/index.js");
    const { imageShape, shapeHint } = await import("../../training/classifier.js");
    const { checkOutputFile } = await import("../output-folder.js");
    await checkOutputFile(out, [model, ...fit]);
    const { classifier, normalization } = await openClassifier(model, normalize);
    const parts = await Promise.all(fit.map(readPart));
    const images = await openDataset(id, { ...shapeHint(classifier), ignoreLabels: true });
    const sets = await openOodSets(ood, { ...shapeHint(classifier), shape: imageShape(classifier, images.shape) });
    const { progress, signal } = io;
    const part = await withEngine(engineChoices, (engine) =>
      combineScores(engine, classifier, parts, images, sets, { normalization, progress, signal, batch }),
    );
    const bytes = encodeModel(part.model);
    await writeFileAtomic(out, bytes);
    const { offset, ...weights } = part.options;
    const members = fit.map((file, index) => ({ file, weight: weights[`weight${index + 1}`] }));
    await io.write({ model, out, bytes: bytes.length, offset, members }, () =>
      [
        ...members.map(({ file, weight }) => `${weight?.toPrecision(4)} · ${file}`),
        `${out}: ${(bytes.length / 1000).toFixed(0)} kB`,
      ].join("\n"),
    );
  },
});
