import type { Evaluation } from "../../benchmarks/index.js";
import { percentage } from "../../report/format.js";
import type { ScoreName } from "../../scores/index.js";
import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { text } from "../parsers.js";
import { anyScore, asImageScores } from "../segmentation/score-names.js";
import { sceneSetFlags, sceneSetOptions, segmentsOption } from "../segmentation/set-options.js";
import { refuseFlags, requireFlag, taskOfFile, taskOption } from "../segmentation/task.js";
import { dataset, optional, shared } from "../shared-options.js";

const data = "Model and data:";
const defaultScores: readonly ScoreName[] = ["msp", "energy"];

export const evaluate = defineCommand({
  name: "eval",
  summary: "Measure accuracy and how well a model tells out-of-distribution images apart.",
  description:
    "Runs the model over an in-distribution test set and OOD test sets and prints AUROC, AUPR and FPR95 of each score, OOD as the positive class. With --out it writes eval.json, table.md, table.csv, report.html and the raw scores. For a segmentation network --id and --ood are segmentation datasets, of which one will do: the mIoU of the classes of --id, and the pixels of each --ood in one ranking.",
  options: {
    model: shared.model,
    baseline: {
      placeholder: "FILE",
      group: data,
      many: {},
      help: "another ONNX model to compare with, for example the untouched one; may be repeated: differences are to the first",
      parser: text("the path of an ONNX file"),
    },
    task: taskOption,
    id: optional(shared.testSet, "in-distribution test images; scenes whose classes are judged"),
    ood: optional(
      shared.oodSets,
      "OOD test images, or scenes with anomalies, under a name for the table; may be repeated",
    ),
    classCounts: {
      placeholder: "DS",
      group: data,
      help: "labelled training images to count classes in, for accuracy on many-, medium- and few-shot classes, and with adjusted logits",
      parser: dataset,
    },
    normalize: shared.normalize,
    scores: {
      placeholder: "NAMES",
      many: { separator: "," },
      help: "OOD scores, separated by commas; the report plots the last one",
      default: defaultScores.join(","),
      parser: anyScore,
    },
    fit: {
      placeholder: "FILES",
      many: { separator: "," },
      help: "scores that `offmap fit` has written for --model, besides those of --scores",
      parser: text("the path of an ONNX file"),
    },
    preset: shared.metricPreset,
    batch: shared.batch,
    ...sceneSetOptions,
    segments: segmentsOption,
    out: {
      placeholder: "DIR",
      help: "folder for report, tables and raw scores",
      parser: text("the path of a folder"),
    },
    ...engineOptions,
  },
  examples: [
    {
      does: "A table on the terminal",
      line: "eval --model tuned/model.onnx --id folder:test --ood textures=folder:dtd --ood svhn=npy:svhn.npy",
    },
    {
      does: "Before and after, with a report",
      line: "eval --model tuned/model.onnx --baseline model.onnx --id cifar:test.bin --ood textures=folder:dtd --normalize 0.485,0.456,0.406:0.229,0.224,0.225 --out results",
    },
    {
      does: "Anomaly maps of several models side by side",
      line: 'eval --model balanced.onnx --baseline untouched.onnx --baseline pebal.onnx --scores energy --ood "held-out=camvid:camvid?split=test&outlier=bicyclist" --out figure',
    },
    {
      does: "What judging the segments of an anomaly map changes",
      line: 'eval --model deeplab.onnx --ood "held-out=camvid:camvid?split=test&outlier=bicyclist" --scores entropy --segments segments.json --components obstacle',
    },
    {
      does: "mIoU of a segmentation network, and how well it finds pasted objects",
      line: 'eval --model espnet.onnx --id "camvid:camvid?split=test" --ood "pasted=camvid:camvid?split=test" --paste cutouts:objects --out results',
    },
  ],
  async run({ task, ...given }, io) {
    if ((await taskOfFile(given.model, task)) === "segmentation") {
      const { runSegmentationEval } = await import("../segmentation/run-eval.js");
      return runSegmentationEval(given, io);
    }
    refuseFlags(given, { ...sceneSetFlags, segments: "segments" }, "classification");
    const { model, baseline = [], scores: named = defaultScores, fit = [], preset = "official", out, ...told } = given;
    const id = requireFlag(told.id, "eval", "--id DS");
    const ood = requireFlag(told.ood, "eval", "--ood [NAME=]DS");
    const options = { ...told, id, ood };
    const scores = await asImageScores(named, "--scores");
    const { baselineName, comparedDocument, refuseTwice, requireOneModel } = await import("../compared-models.js");
    const { readPart } = await import("../fitted-scores.js");
    const { evaluateModels, evaluationDocument, writeEvaluation } = await import("../evaluation.js");
    const { makeOutputFolder } = await import("../output-folder.js");
    const { renderTextTable } = await import("../../report/index.js");
    if (out !== undefined) await makeOutputFolder(out);
    requireOneModel(baseline, fit);
    const fitted = await Promise.all(fit.map(readPart));
    refuseTwice(fitted.map((part) => part.score));
    const settings = {
      ...options,
      scores: [...new Set([...scores, ...fitted.map((part) => part.score)])],
      fitted,
      preset,
    };
    const done = await evaluateModels([...baseline, model], settings, io);
    const document = { ...comparedDocument(done.models, evaluationDocument), data: done.data };
    if (out !== undefined) await writeEvaluation(out, document, done);
    await io.write(document, () =>
      [
        ...done.models.flatMap(({ name, evaluation: { id } }) => accuracyText(name, id)),
        renderTextTable(
          done.report.models.flatMap(({ rows }) => rows),
          {
            width: io.columns,
            color: io.color,
            ...baselineName(done.models),
          },
        ),
        done.report.protocol,
        ...(out === undefined ? [] : [`report: ${out}/report.html`]),
      ].join("\n"),
    );
  },
});

/** Accuracies of a model on labelled images, of groups of classes and with adjusted logits where the class counts are known. */
function accuracyText(name: string, { accuracy, images, groups, adjusted }: Evaluation["id"]): string[] {
  if (accuracy === undefined) return [];
  const byGroup = (of: typeof groups) =>
    of === undefined
      ? ""
      : ` (many-shot ${percentage(of.many)}, medium-shot ${percentage(of.medium)}, few-shot ${percentage(of.few)})`;
  const own = `${name}: accuracy ${percentage(accuracy)} % of ${images} images${byGroup(groups)}`;
  if (adjusted === undefined) return [own];
  const changed = `${percentage(adjusted.accuracy)} %${byGroup(adjusted.groups)}`;
  return [own, `${name}, logits adjusted to the class counts: ${changed}`];
}
