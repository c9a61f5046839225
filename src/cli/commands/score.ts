import type { ScoredImage } from "../../benchmarks/index.js";
import { OptionError } from "../../errors.js";
import { inColumns } from "../columns.js";
import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { toggle } from "../option.js";
import { number, oneOf, text } from "../parsers.js";
import { classesOption } from "../segmentation/classes-option.js";
import { anyScore, asImageScores } from "../segmentation/score-names.js";
import { segmentsOption } from "../segmentation/set-options.js";
import { refuseFlags, taskOfModel, taskOption } from "../segmentation/task.js";
import { shared } from "../shared-options.js";

export const score = defineCommand({
  name: "score",
  summary: "Class, confidence and OOD score of single images.",
  description:
    "Runs the model over image files, or a folder or other dataset of them, and prints the predicted class, its softmax probability and the OOD score: higher means more out-of-distribution. A model that `offmap export` has made brings its own score, and adds a p-value and a decision. A segmentation network scores every pixel: the folder given by --out gets a heat map (PNG) and the raw scores (NPY, float32 [H, W]) of each image; an exported one shows its own anomaly_map, and how many pixels its anomaly_mask flags.",
  options: {
    images: {
      positional: true,
      many: {},
      placeholder: "FILES|FOLDER",
      required: true,
      help: "image files, or one folder or dataset",
      parser: text("the path of an image or folder"),
    },
    model: shared.model,
    task: taskOption,
    score: {
      placeholder: "NAME",
      help: "OOD score",
      default: "energy",
      parser: anyScore,
    },
    fit: shared.fit,
    batch: shared.batch,
    resize: {
      placeholder: "WAY",
      help: "bring images of another size to the model's: stretch them, or cut out their middle (crop)",
      default: "as the model was trained, else stretch",
      parser: oneOf(["stretch", "crop"]),
    },
    csv: toggle("print comma-separated values"),
    normalize: shared.normalize,
    out: {
      placeholder: "DIR",
      group: classesOption.group,
      help: "folder for heat maps and raw scores",
      parser: text("the path of a folder"),
    },
    classes: classesOption,
    range: {
      placeholder: "LOW,HIGH",
      group: classesOption.group,
      many: { separator: "," },
      help: "scores that are darkest and brightest in the heat maps",
      default: "what 99 % of the pixels of these images lie between",
      parser: number(),
    },
    segments: segmentsOption,
    ...engineOptions,
  },
  examples: [
    { does: "Score photos", line: "score --model tuned/model.onnx photo.jpg another.png" },
    { does: "By a model that `offmap export` has made", line: "score --model guarded.onnx photo.jpg" },
    { does: "A folder as a spreadsheet", line: "score --model tuned/model.onnx photos/ --csv > scores.csv" },
    {
      does: "Heat maps of street scenes",
      line: "score --model deeplab.onnx frames/ --score energy --out heat-maps",
    },
  ],
  async run({ task, ...given }, io) {
    const {
      images,
      model,
      score: named,
      fit,
      resize,
      csv,
      normalize,
      batch,
      out,
      classes,
      range,
      segments,
      ...engineChoices
    } = given;
    if (csv && io.json) {
      throw new OptionError({ where: "--csv", expected: "one format for the scores", received: "--json too" });
    }
    const { readModel } = await import("../../onnx/index.js");
    const { isGuarded } = await import("../../guard/index.js");
    const read = await readModel(model);
    if ((task ?? (await taskOfModel(read))) === "segmentation") {
      refuseFlags(given, { csv: "csv", batch: "batch", resize: "resize" }, "segmentation");
      const { runSegmentationScore } = await import("../segmentation/run-score.js");
      return runSegmentationScore(given, io);
    }
    refuseFlags(
      { out, classes, range, segments },
      { out: "out", classes: "classes", range: "range", segments: "segments" },
      "classification",
    );
    const [name] = named === undefined ? [] : await asImageScores([named], "--score");
    if (isGuarded(read)) {
      refuseFlags(given, { score: "score", fit: "fit", batch: "batch", resize: "resize" }, "exported");
      const { scoreWithGuarded } = await import("../guarded-scores.js");
      return scoreWithGuarded({ images, model: read, path: model, csv, normalize, ...engineChoices }, io);
    }
    const { classifierOf, withEngine } = await import("../classifier-run.js");
    const { classNamesOf } = await import("../../training/class-names.js");
    const { chosenPart } = await import("../fitted-scores.js");
    const { openImages } = await import("../open-images.js");
    const { scoreImages } = await import("../../benchmarks/index.js");
    const { imageShape, inferShapes, shapeHint } = await import("../../training/classifier.js");
    const { classifier, normalization } = classifierOf(read, model, normalize);
    const dataset = await openImages(images, { ...shapeHint(classifier), ...(resize && { resize }) });
    const part = await chosenPart(fit, name, inferShapes(classifier, imageShape(classifier, dataset.shape)).classes);
    const { progress, signal } = io;
    const found = await withEngine(engineChoices, (engine) =>
      scoreImages(engine, classifier, dataset, part, { normalization, progress, signal, batch }),
    );
    const names = classNamesOf(classifier.model);
    const rows = found.map(({ image, predicted, ...rest }) => ({
      file: image,
      predicted,
      class: names?.[predicted] ?? null,
      confidence: rest.confidence,
      score: rest.score,
    }));
    const { csvText } = await import("../../report/csv.js");
    await io.write({ model, score: part.score, images: rows }, () =>
      csv
        ? [
            "file,predicted,class,confidence,score",
            ...rows.map((row) =>
              [csvText(row.file), row.predicted, csvText(row.class ?? ""), row.confidence, row.score].join(","),
            ),
          ].join("\n")
        : scoresText(found, part.score, names),
    );
  },
});

function scoresText(found: readonly ScoredImage[], name: string, classNames: readonly string[] | undefined): string {
  const rows = found.map(({ image, predicted, confidence, score: value }) => [
    image,
    classNames?.[predicted] ?? `class ${predicted}`,
    `${(100 * confidence).toFixed(1)} %`,
    value.toFixed(4),
  ]);
  const table = inColumns([["file", "predicted", "confidence", name], ...rows], ["left", "left", "right", "right"]);
  return [...table, "", "The score is higher for more out-of-distribution."].join("\n");
}
