import type { ScoreName } from "../../scores/index.js";
import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { oneOf, text } from "../parsers.js";
import { type AnyScoreName, anyScoreNames, asImageScores } from "../segmentation/score-names.js";
import { sceneSetFlags, sceneSetOptions } from "../segmentation/set-options.js";
import { refuseFlags, requireFlag, taskOfFile, taskOption } from "../segmentation/task.js";
import { dataset, optional, scoreNames, shared } from "../shared-options.js";

const data = "Model and data:";

export const compare = defineCommand({
  name: "compare",
  summary: "Try every OOD score on one model, and rank them.",
  description:
    "Fits the scores that need it to training images, runs the model once over the test sets with all scores on top, and prints them in the order of their mean AUROC. With --out it writes the tables and a report with the rank of each score on each set.",
  options: {
    model: shared.model,
    fitOn: {
      placeholder: "DS",
      group: data,
      help: "labelled training images; without them only scores that need no fit are compared",
      parser: dataset,
    },
    task: taskOption,
    id: optional(shared.testSet, "in-distribution test images; scenes whose classes are judged"),
    ood: optional(
      shared.oodSets,
      "OOD test images, or scenes with anomalies, under a name for the table; may be repeated",
    ),
    normalize: shared.normalize,
    scores: {
      placeholder: "NAMES",
      many: { separator: "," },
      help: "scores to compare, separated by commas, or all",
      default: "all",
      parser: oneOf(async () => ["all", ...(await anyScoreNames())] as (AnyScoreName | "all")[]),
    },
    preset: shared.metricPreset,
    batch: shared.batch,
    ...sceneSetOptions,
    out: { placeholder: "DIR", help: "folder for report and tables", parser: text("the path of a folder") },
    ...engineOptions,
  },
  examples: [
    {
      does: "Which score to ship",
      line: "compare --model model.onnx --fit-on folder:train --id folder:test --ood dtd=folder:dtd --ood svhn=npy:svhn.npy --out comparison",
    },
    {
      does: "The same for pixels, on pasted objects",
      line: 'compare --model deeplab.onnx --fit-on "camvid:camvid?split=train" --ood "camvid:camvid?split=val" --paste cutouts:objects --out comparison',
    },
  ],
  async run({ task, ...given }, io) {
    const { model, fitOn, scores: named = ["all"], preset = "official", out, ...told } = given;
    if ((await taskOfFile(model, task)) === "segmentation") {
      refuseFlags(given, { batch: "batch" }, "segmentation");
      const { runSegmentationCompare } = await import("../segmentation/run-compare.js");
      return runSegmentationCompare({ ...told, model, fitOn, scores: named, preset, out }, io);
    }
    refuseFlags(given, sceneSetFlags, "classification");
    const id = requireFlag(told.id, "compare", "--id DS");
    const ood = requireFlag(told.ood, "compare", "--ood [NAME=]DS");
    const options = { ...told, id, ood };
    const { OptionError } = await import("../../errors.js");
    const { openDataset } = await import("../../data/index.js");
    const { fitScores, needsFit } = await import("../../guard/index.js");
    const { scores } = await import("../../scores/index.js");
    const { shapeHint } = await import("../../training/index.js");
    const { openClassifier, withEngine } = await import("../classifier-run.js");
    const { evaluateModels, evaluationDocument, writeEvaluation } = await import("../evaluation.js");
    const { makeOutputFolder } = await import("../output-folder.js");
    const { inColumns } = await import("../columns.js");
    const { percentage } = await import("../../report/format.js");
    if (out !== undefined) await makeOutputFolder(out);
    const everything = named.includes("all");
    const all = everything ? await scoreNames() : await asImageScores(named as readonly AnyScoreName[], "--scores");
    const toFit = all.filter(needsFit);
    const left = fitOn === undefined ? toFit : [];
    if (left.length === all.length) {
      throw new OptionError({
        where: "--fit-on",
        expected: "training images, as every score asked for is fitted to them",
        received: "none",
      });
    }
    if (left.length > 0) io.warn(`without --fit-on these scores are left out: ${left.join(", ")}`);
    const { progress, signal } = io;
    const started = performance.now();
    const fitted =
      fitOn === undefined
        ? []
        : await withEngine(options, async (engine) => {
            const { classifier, normalization } = await openClassifier(model, options.normalize);
            const images = await openDataset(fitOn, shapeHint(classifier));
            // Who names a score gets it or an error; who asks for all gets what the model and the images allow.
            // That a network was not made for a score is nothing to tell.
            const onRefusal = everything
              ? (name: ScoreName, error: Error) => {
                  if (!("output" in scores[name])) io.warn(`left out ${name}: ${error.message}`);
                }
              : undefined;
            const choices = { normalization, progress, signal, batch: options.batch, onRefusal, onNote: io.warn };
            return fitScores(engine, classifier, images, toFit, choices);
          });
    const fitSeconds = (performance.now() - started) / 1000;
    const compared = all.filter((name) => !needsFit(name) || fitted.some(({ score }) => score === name));
    const settings = { ...options, scores: compared, fitted, preset, ranked: true };
    const done = await evaluateModels([model], settings, io);
    const [subject] = done.models;
    const document = { model, fit_seconds: fitSeconds, ...(subject && evaluationDocument(subject)), data: done.data };
    if (out !== undefined) await writeEvaluation(out, document, done);
    await io.write(document, () => {
      const rows = (subject?.evaluation.average ?? [])
        .toReversed()
        .map(({ score, auroc, aupr, fpr95 }) => [score, percentage(auroc), percentage(aupr), percentage(fpr95)]);
      return [
        ...inColumns(
          [["score, mean over the sets", "AUROC", "AUPR", "FPR95"], ...rows],
          ["left", "right", "right", "right"],
        ),
        "",
        done.report.protocol,
        ...(out === undefined ? [] : [`report: ${out}/report.html`]),
      ].join("\n");
    });
  },
});
