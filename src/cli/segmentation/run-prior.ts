import { type Normalization, openOutlierObjects, openSegmentation } from "../../data/index.js";
import { DataError, OptionError } from "../../errors.js";
import { writeFileAtomic } from "../../files.js";
import { inputSize } from "../../guard/segmentation/index.js";
import { renderPriorChart } from "../../report/index.js";
import type { Device } from "../../runtime/index.js";
import { asSegmenter, measurePixelPrior, ScenePredictor } from "../../training/segmentation/index.js";
import { openClassifier, withEngine } from "../classifier-run.js";
import type { CommandIo } from "../command-io.js";
import { checkOutputFile } from "../output-folder.js";
import { priorDocument } from "../prior-document.js";
import { priorText } from "../prior-text.js";
import { requireFlag } from "./task.js";

export interface SegmentationPriorOptions {
  readonly model: string;
  readonly id?: string | undefined;
  readonly outliers: string;
  readonly scenes?: number | undefined;
  readonly seed?: number | undefined;
  readonly normalize?: Normalization | undefined;
  readonly out?: string | undefined;
  readonly device?: Device | undefined;
  readonly threads?: number | undefined;
}

/** As many as in the paper. */
const paperScenes = 10_000;
/** Scenes in one run of the model. */
const scenesPerRun = 4;

export async function runSegmentationPrior(
  {
    model,
    id: given,
    outliers,
    scenes = paperScenes,
    seed = 1,
    normalize,
    out,
    ...engineChoices
  }: SegmentationPriorOptions,
  io: CommandIo,
): Promise<void> {
  const spec = requireFlag(given, "prior", "--id DS");
  if (out !== undefined) await checkOutputFile(out);
  const { classifier, normalization } = await openClassifier(model, normalize);
  const [, height, width] = classifier.shape;
  const id = await openSegmentation(
    spec,
    height === undefined || width === undefined ? {} : { size: { height, width } },
  );
  const { classNames, shape } = id;
  if (classNames === undefined) {
    throw new DataError({
      where: spec,
      expected: "labels of classes, which the model tells apart",
      received: "labels that only tell anomalies from the rest",
    });
  }
  if (shape === undefined) {
    throw new OptionError({
      where: "--id",
      expected: "scenes of one size",
      received: "several sizes",
      hint: "bring them to a size with size=HEIGHTxWIDTH in the dataset",
    });
  }
  const crop = inputSize(classifier, { height: shape[1], width: shape[2] });
  const segmenter = asSegmenter(
    classifier.model,
    [3, crop.height, crop.width],
    { classes: classNames.length, abstention: 0 },
    seed,
    model,
  );
  const objects = await openOutlierObjects(outliers);
  const { progress, signal } = io;
  const found = await withEngine(engineChoices, async (engine) => {
    const predictor = new ScenePredictor(engine, segmenter, normalization);
    try {
      // Whole scenes, as the model is used: nothing is scaled or turned but the objects are pasted.
      const sampled = { scenes: id, outliers: objects, crop, batchSize: scenesPerRun, scales: [1], flip: 0 };
      return await measurePixelPrior(predictor, classNames.length, sampled, { count: scenes, seed, progress, signal });
    } finally {
      await predictor.close();
    }
  });
  const document = { task: "segmentation", scenes, ...priorDocument(found) };
  if (out !== undefined) {
    await writeFileAtomic(out, `${JSON.stringify(document, null, 2)}\n`);
    const chart = renderPriorChart({ classNames, share: found.prior, outliers: found.outliers });
    await writeFileAtomic(`${out.replace(/\.json$/, "")}.svg`, chart);
  }
  await io.write(
    document,
    () => `${scenes} scenes with a pasted object each, in pixels\n${priorText(found, io.columns)}`,
  );
}
