import type { PixelScoreName } from "../../guard/segmentation/index.js";
import { percentage } from "../../report/format.js";
import { renderTextTable } from "../../report/index.js";
import type { CommandIo } from "../command-io.js";
import { baselineName, comparedDocument, refuseTwice, requireOneModel } from "../compared-models.js";
import { makeOutputFolder } from "../output-folder.js";
import {
  type EvaluatedSegmenter,
  evaluateSegmenters,
  mainMiou,
  type SegmentationSettings,
  segmentationDocument,
  writeSegmentation,
} from "./evaluation.js";
import { otherProtocols, protocolText } from "./other-protocols.js";
import { readPixelPart, readSegmentJudge } from "./parts.js";
import { type AnyScoreName, asPixelScores } from "./score-names.js";
import { refuseFlags } from "./task.js";

const defaultScores: readonly PixelScoreName[] = ["msp", "energy"];

export interface SegmentationEvalOptions
  extends Omit<SegmentationSettings, "scores" | "fitted" | "preset" | "report" | "judge"> {
  readonly model: string;
  readonly baseline?: readonly string[] | undefined;
  readonly scores?: readonly AnyScoreName[] | undefined;
  readonly fit?: readonly string[] | undefined;
  readonly preset?: SegmentationSettings["preset"] | undefined;
  /** File of a classifier of segments. */
  readonly segments?: string | undefined;
  readonly out?: string | undefined;
}

export async function runSegmentationEval(
  { model, baseline = [], scores, fit = [], preset = "official", segments, out, ...options }: SegmentationEvalOptions,
  io: CommandIo,
): Promise<void> {
  refuseFlags(options as Record<string, unknown>, { classCounts: "class-counts", batch: "batch" }, "segmentation");
  if (out !== undefined) await makeOutputFolder(out);
  requireOneModel(baseline, fit);
  const fitted = await Promise.all(fit.map(readPixelPart));
  refuseTwice(fitted.map(({ score }) => score));
  const named = scores === undefined ? defaultScores : await asPixelScores(scores, "--scores");
  const judge = segments === undefined ? undefined : await readSegmentJudge(segments);
  const judged = judge === undefined ? [] : await asPixelScores([judge.score as AnyScoreName], "--segments");
  const settings = {
    ...options,
    scores: [...new Set([...named, ...fitted.map(({ score }) => score), ...judged])],
    ...{ fitted, preset, judge, report: out !== undefined },
  };
  const done = await evaluateSegmenters([...baseline, model], settings, io);
  const perImage = options.perImage === true;
  const document = comparedDocument(done.models, (each: EvaluatedSegmenter) => segmentationDocument(each, perImage));
  if (out !== undefined) await writeSegmentation(out, document, done);
  await io.write(document, () =>
    [
      ...done.models.flatMap(classText),
      ...(done.rows.length === 0
        ? []
        : [
            renderTextTable(done.rows, {
              ...textOptions(io),
              ...baselineName(done.models),
            }),
          ]),
      ...(perImage || options.components !== undefined ? otherProtocols(done.models).flatMap(protocolText) : []),
      ...done.models.flatMap(segmentsText),
      done.protocol,
      ...(out === undefined ? [] : [`report: ${out}/report.html`]),
    ].join("\n"),
  );
}

/** What judging segments has changed, a line for each set. */
function segmentsText({ name, ood }: EvaluatedSegmenter): string[] {
  return ood.flatMap(({ set, segments }) => {
    if (segments === undefined) return [];
    const { score, threshold, before, after } = segments;
    const change = (title: string, of: (metrics: typeof before) => number) =>
      `${title} ${percentage(of(before))} to ${percentage(of(after))}`;
    const ofComponents = [before, after].every(({ components }) => components !== undefined)
      ? [
          change("sIoU", ({ components }) => components?.siou ?? Number.NaN),
          change("PPV", ({ components }) => components?.ppv ?? Number.NaN),
          change("F1*", ({ components }) => components?.f1_mean ?? Number.NaN),
        ]
      : [];
    const changes = [
      change("AUROC", ({ auroc }) => auroc),
      change("AUPR", ({ aupr }) => aupr),
      change("FPR95", ({ fpr95 }) => fpr95),
      change("anomalous pixels found", ({ tpr }) => tpr),
      change("known pixels called", ({ fpr }) => fpr),
      ...ofComponents,
    ];
    return [
      `${name}, segments of ${score} at ${threshold.toPrecision(4)} on ${set}: ${segments.removed} of ${segments.segments} are judged false alarms; in %, ${changes.join(", ")}`,
    ];
  });
}

const textOptions = ({ columns: width, color }: CommandIo) => ({ width, color });

/** The mean IoU in a line, and the classes it is the mean of in another. */
function classText(model: EvaluatedSegmenter): string[] {
  const miou = mainMiou(model);
  if (miou === undefined) return [];
  const judged = [model.id, ...model.ood].find((each) => each?.segmentation !== undefined);
  const classes = judged?.segmentation?.class_iou ?? [];
  return [
    `${model.name}: mIoU ${percentage(miou)} % over ${classes.length} classes of ${judged?.set} (${judged?.images} images), pixel accuracy ${percentage(judged?.segmentation?.pixel_accuracy ?? Number.NaN)} %`,
    classes.map(({ class: name, iou }) => `${name} ${percentage(iou ?? Number.NaN)}`).join(", "),
  ];
}
