import { measureScenePrior } from "../../benchmarks/segmentation/index.js";
import type { Normalization } from "../../data/index.js";
import { writeFileAtomic } from "../../files.js";
import { renderPriorChart } from "../../report/index.js";
import type { Device } from "../../runtime/index.js";
import { openClassifier, withEngine } from "../classifier-run.js";
import type { CommandIo } from "../command-io.js";
import { checkOutputFile } from "../output-folder.js";
import { chartFile, priorDocument } from "../prior-document.js";
import { priorText } from "../prior-text.js";
import { requireFlag } from "./task.js";

export interface SegmentationPriorOptions {
  readonly model: string;
  readonly id?: string | undefined;
  readonly outliers: string;
  readonly scenes?: number | undefined;
  readonly seed?: number | undefined;
  readonly pasteScale?: readonly [number, number] | undefined;
  readonly feather?: number | undefined;
  readonly normalize?: Normalization | undefined;
  readonly out?: string | undefined;
  readonly device?: Device | undefined;
  readonly threads?: number | undefined;
}

/** As many as in the paper. */
const paperScenes = 10_000;

export async function runSegmentationPrior(
  {
    model,
    id: given,
    outliers,
    scenes = paperScenes,
    seed = 1,
    pasteScale: scale,
    feather,
    normalize,
    out,
    ...engineChoices
  }: SegmentationPriorOptions,
  io: CommandIo,
): Promise<void> {
  const id = requireFlag(given, "prior", "--id DS");
  for (const file of out === undefined ? [] : [out, chartFile(out)]) await checkOutputFile(file, [model]);
  const { classifier, normalization } = await openClassifier(model, normalize);
  const paste = { ...(scale && { scale }), ...(feather !== undefined && { feather }) };
  const { progress, signal } = io;
  const { prior: found, classNames } = await withEngine(engineChoices, (engine) =>
    measureScenePrior(engine, classifier, { id, outliers, scenes, seed, paste, normalization, progress, signal }),
  );
  const document = { task: "segmentation", scenes, ...priorDocument(found) };
  if (out !== undefined) {
    await writeFileAtomic(out, `${JSON.stringify(document, null, 2)}\n`);
    const chart = renderPriorChart({ classNames, share: found.prior, outliers: found.outliers });
    await writeFileAtomic(chartFile(out), chart);
  }
  await io.write(
    document,
    () => `${scenes} scenes with a pasted object each, in pixels\n${priorText(found, io.columns)}`,
  );
}
