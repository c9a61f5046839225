import { openSegmentation, type SegmentationDataset } from "../../data/index.js";
import { OptionError, UnsupportedError } from "../../errors.js";
import {
  classesOf,
  fitPixelScores,
  inputSize,
  type PixelScoreName,
  pixelScoreNeedsFit,
  pixelShapes,
  readyPixelPart,
} from "../../guard/segmentation/index.js";
import { pixelExpressions } from "../../guard/segmentation/pixel-graph.js";
import { percentage } from "../../report/format.js";
import type { Classifier } from "../../training/index.js";
import { openClassifier, withEngine } from "../classifier-run.js";
import { inColumns } from "../columns.js";
import type { CommandIo } from "../command-io.js";
import { makeOutputFolder } from "../output-folder.js";
import { fitCompared, withObjectsAlike } from "./compared-fit.js";
import {
  type EvaluatedSegmenter,
  evaluateSegmenters,
  type SegmentationSettings,
  segmentationDocument,
  writeSegmentation,
} from "./evaluation.js";
import { otherProtocols, protocolText } from "./other-protocols.js";
import { type AnyScoreName, asPixelScores, pixelScoreNames } from "./score-names.js";
import { classesOfSets, openTestSets } from "./sets.js";

export interface SegmentationCompareOptions
  extends Omit<SegmentationSettings, "scores" | "fitted" | "fittedClasses" | "preset" | "report" | "ranked" | "judge"> {
  readonly model: string;
  readonly fitOn?: string | undefined;
  readonly scores: readonly (AnyScoreName | "all")[];
  readonly preset: SegmentationSettings["preset"];
  readonly out?: string | undefined;
}

export async function runSegmentationCompare(
  { model, fitOn, scores, preset, out, ...options }: SegmentationCompareOptions,
  io: CommandIo,
): Promise<void> {
  if (out !== undefined) await makeOutputFolder(out);
  const everything = scores.includes("all");
  const wanted = everything
    ? await pixelScoreNames()
    : await asPixelScores(scores as readonly AnyScoreName[], "--scores");
  const left = fitOn === undefined ? wanted.filter(pixelScoreNeedsFit) : [];
  if (left.length === wanted.length) {
    throw new OptionError({
      where: "--fit-on",
      expected: "training scenes, as every score asked for is fitted to them",
      received: "none",
    });
  }
  if (left.length > 0) io.warn(`without --fit-on these scores are left out: ${left.join(", ")}`);
  const { classifier, normalization } = await openClassifier(model, options.normalize);
  // Who names a score gets it or an error; who asks for all gets what the model and the data allow.
  const onRefusal = everything
    ? (name: PixelScoreName, error: Error) => io.warn(`left out ${name}: ${error.message}`)
    : undefined;
  const sets = await openTestSets(options);
  const scenes = fitOn === undefined ? undefined : await openSegmentation(fitOn);
  const fittedClasses = scenes?.classNames;
  const classNames = classesOfSets(sets, { classes: options.classes, fitOn: fittedClasses });
  // Before the fit, which may take long.
  checkClasses(fittedClasses, classNames);
  const ready = await allowed(
    classifier,
    sets.ood[0],
    classNames,
    wanted.filter((name) => !pixelScoreNeedsFit(name)),
    onRefusal,
  );
  const started = performance.now();
  const { progress, signal } = io;
  const fitted =
    fitOn === undefined || scenes === undefined
      ? []
      : await withEngine(options, (engine) =>
          fitCompared(
            (dataset, names) =>
              fitPixelScores(engine, classifier, dataset, names, { normalization, progress, signal, onRefusal }),
            wanted.filter(pixelScoreNeedsFit),
            { scenes, withObjects: () => withObjectsAlike(fitOn, sets, options) },
          ),
        );
  const fitSeconds = (performance.now() - started) / 1000;
  const compared = wanted.filter((name) => ready.includes(name) || fitted.some(({ score }) => score === name));
  const settings = {
    ...options,
    scores: compared,
    fitted,
    fittedClasses,
    preset,
    ranked: true,
    report: out !== undefined,
  };
  const done = await evaluateSegmenters([model], settings, io);
  const [subject] = done.models as [EvaluatedSegmenter];
  const document = { model, fit_seconds: fitSeconds, ...segmentationDocument(subject, options.perImage === true) };
  if (out !== undefined) await writeSegmentation(out, document, done);
  await io.write(document, () => {
    const rows = subject.average
      .toReversed()
      .map(({ score, auroc, aupr, fpr95 }) => [score, percentage(auroc), percentage(aupr), percentage(fpr95)]);
    return [
      ...inColumns(
        [["score, mean over the sets", "AUROC", "AUPR", "FPR95"], ...rows],
        ["left", "right", "right", "right"],
      ),
      "",
      ...(options.perImage === true || options.components !== undefined
        ? otherProtocols(done.models).flatMap(protocolText)
        : []),
      done.protocol,
      ...(out === undefined ? [] : [`report: ${out}/report.html`]),
    ].join("\n");
  });
}

/** @throws OptionError for scores that would be fitted to other classes than the sets have */
function checkClasses(fitted: readonly string[] | undefined, classNames: readonly string[] | undefined): void {
  if (fitted === undefined || classNames === undefined || fitted.length === classNames.length) return;
  throw new OptionError({
    where: "--fit-on",
    expected: `scenes of ${classNames.length} classes, as the test sets have`,
    received: String(fitted.length),
    hint: "leave the same classes out of both, with ?outlier=NAME or ?void=NAME",
  });
}

/** Those of the scores that the model allows. */
async function allowed(
  classifier: Classifier,
  dataset: SegmentationDataset | undefined,
  classNames: readonly string[] | undefined,
  names: readonly PixelScoreName[],
  onRefusal: ((name: PixelScoreName, error: Error) => void) | undefined,
): Promise<PixelScoreName[]> {
  if (dataset === undefined) {
    throw new OptionError({ where: "--ood", expected: "scenes with anomalies to compare scores on", received: "none" });
  }
  const { height, width } = await dataset.readOne(0);
  const shapes = pixelShapes(classifier, inputSize(classifier, { height, width }));
  const labels = dataset.classNames === undefined ? { classNames } : dataset;
  const classes = classesOf(classifier, shapes.outputs, labels, dataset.spec);
  return names.filter((name) => {
    try {
      pixelExpressions(classifier, shapes, {
        ...{ classes, size: { height, width }, parts: [readyPixelPart(name)], batch: 1 },
      });
      return true;
    } catch (error) {
      if (!(error instanceof UnsupportedError) || onRefusal === undefined) throw error;
      onRefusal(name, error);
      return false;
    }
  });
}
