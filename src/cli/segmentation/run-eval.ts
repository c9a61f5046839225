import { OptionError } from "../../errors.js";
import type { PixelScoreName } from "../../guard/segmentation/index.js";
import { percentage } from "../../report/format.js";
import { renderTextTable } from "../../report/index.js";
import type { CommandIo } from "../command-io.js";
import { makeOutputFolder } from "../output-folder.js";
import {
  type EvaluatedSegmenter,
  evaluateSegmenters,
  mainMiou,
  type SegmentationSettings,
  segmentationDocument,
  writeSegmentation,
} from "./evaluation.js";
import { readPixelPart } from "./parts.js";
import { type AnyScoreName, asPixelScores } from "./score-names.js";
import { refuseFlags } from "./task.js";

const defaultScores: readonly PixelScoreName[] = ["msp", "energy"];

export interface SegmentationEvalOptions extends Omit<SegmentationSettings, "scores" | "fitted" | "preset" | "report"> {
  readonly model: string;
  readonly baseline?: string | undefined;
  readonly scores?: readonly AnyScoreName[] | undefined;
  readonly fit?: readonly string[] | undefined;
  readonly preset?: SegmentationSettings["preset"] | undefined;
  readonly out?: string | undefined;
}

export async function runSegmentationEval(
  { model, baseline, scores, fit = [], preset = "official", out, ...options }: SegmentationEvalOptions,
  io: CommandIo,
): Promise<void> {
  refuseFlags(options as Record<string, unknown>, { classCounts: "class-counts", batch: "batch" }, "segmentation");
  if (out !== undefined) await makeOutputFolder(out);
  if (baseline !== undefined && fit.length > 0) {
    throw new OptionError({
      where: "--fit",
      expected: "scores that need no fit beside --baseline",
      received: "fitted ones, which belong to one model",
      hint: "evaluate the two models one by one",
    });
  }
  const fitted = await Promise.all(fit.map(readPixelPart));
  const named = scores === undefined ? defaultScores : await asPixelScores(scores, "--scores");
  const settings = {
    ...options,
    scores: [...new Set([...named, ...fitted.map(({ score }) => score)])],
    ...{ fitted, preset, report: out !== undefined },
  };
  const done = await evaluateSegmenters([...(baseline === undefined ? [] : [baseline]), model], settings, io);
  const [subject, other] = done.models.toReversed() as [EvaluatedSegmenter, EvaluatedSegmenter?];
  const perImage = options.perImage === true;
  const document = {
    model,
    ...segmentationDocument(subject, perImage),
    ...(other === undefined ? {} : { baseline: { model: baseline, ...segmentationDocument(other, perImage) } }),
  };
  if (out !== undefined) await writeSegmentation(out, document, done);
  await io.write(document, () =>
    [
      ...done.models.flatMap(classText),
      ...(done.rows.length === 0
        ? []
        : [
            renderTextTable(done.rows, {
              ...textOptions(io),
              ...(other === undefined ? {} : { baseline: other.name }),
            }),
          ]),
      done.protocol,
      ...(out === undefined ? [] : [`report: ${out}/report.html`]),
    ].join("\n"),
  );
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
