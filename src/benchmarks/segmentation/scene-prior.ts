import { type Normalization, openOutlierObjects, openSegmentation, type PasteOptions } from "../../data/index.js";
import { DataError, OptionError } from "../../errors.js";
import { inputSize } from "../../guard/segmentation/index.js";
import type { Progress } from "../../progress.js";
import type { Engine } from "../../runtime/index.js";
import { type Classifier, normalizationFor } from "../../training/classifier.js";
import type { Prior } from "../../training/prior.js";
import { asSegmenter, measurePixelPrior, ScenePredictor, scenesPerRun } from "../../training/segmentation/index.js";

export interface ScenePriorOptions {
  /** Scenes of one size, with classes; see `openSegmentation`. */
  readonly id: string;
  /** Objects to paste; see `openOutlierObjects`. */
  readonly outliers: string;
  /** Scenes to synthesise; 10,000 in the paper. */
  readonly scenes: number;
  readonly seed: number;
  /** How they are pasted; default: as large as they are, with hard edges. */
  readonly paste?: PasteOptions | undefined;
  /** Default: the one that the model remembers, else none. */
  readonly normalization?: Normalization | undefined;
  readonly progress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Which classes a trained network takes the pixels of pasted objects for, on whole scenes, as the network is used: no scene is scaled or turned. Choi,
 * Jeong and Choi, CVPR 2023, algorithm 1, step 1.
 *
 * @throws DataError for scenes without classes, OptionError for scenes of several sizes or another one than the model's
 */
export async function measureScenePrior(
  engine: Engine,
  classifier: Classifier,
  { id: spec, outliers, scenes, seed, paste = {}, normalization, progress, signal }: ScenePriorOptions,
): Promise<{ readonly prior: Prior; readonly classNames: readonly string[] }> {
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
      where: spec,
      expected: "scenes of one size",
      received: "several sizes",
      hint: "bring them to a size with size=HEIGHTxWIDTH in the dataset",
    });
  }
  const crop = inputSize(classifier, { height: shape[1], width: shape[2] });
  if (shape[1] !== crop.height || shape[2] !== crop.width) {
    throw new OptionError({
      where: spec,
      expected: `scenes of ${crop.width} x ${crop.height}, which the model takes`,
      received: `${shape[2]} x ${shape[1]}`,
      hint: "leave size= and scale= out, and they are brought to its size",
    });
  }
  const outputs = { classes: classNames.length, abstention: 0, labels: id };
  const segmenter = asSegmenter(classifier.model, [3, crop.height, crop.width], outputs, seed, spec);
  const objects = await openOutlierObjects(outliers);
  const predictor = new ScenePredictor(engine, segmenter, normalizationFor(classifier, normalization));
  try {
    const sampled = { scenes: id, outliers: objects, crop, batchSize: scenesPerRun(crop), scales: [1], flip: 0, paste };
    const run = { count: scenes, seed, progress, signal };
    return { prior: await measurePixelPrior(predictor, classNames.length, sampled, run), classNames };
  } finally {
    await predictor.close();
  }
}
