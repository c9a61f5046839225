/** The model and data of a run, opened and checked. */
import { isDeepStrictEqual } from "node:util";
import {
  classCounts,
  createGenerator,
  type HoldOut,
  holdOut,
  type ImageDataset,
  type Normalization,
  openDataset,
} from "../data/index.js";
import { DataError, OptionError } from "../errors.js";
import { losses } from "../losses/index.js";
import type { Model } from "../onnx/types.js";
import { checkImageClasses } from "./class-names.js";
import { asClassifier, type Classifier, imageShape, normalizationFor, shapeHint } from "./classifier.js";
import { planTraining, type TrainingPlan } from "./plan.js";
import type { ResolvedTrainingOptions } from "./training-options.js";

/** The opened model and data. */
export interface RunInputs {
  readonly classifier: Classifier;
  readonly plan: TrainingPlan;
  readonly normalization: Normalization | undefined;
  readonly id: ImageDataset;
  readonly outliers: ImageDataset | undefined;
  /** In-distribution images that are trained on, and those kept out to watch accuracy. */
  readonly trainIndices: Int32Array;
  readonly heldIndices: Int32Array;
  /** Share of the images that are kept out. */
  readonly holdOut: number;
  /** Images of each class among those that are trained on. */
  readonly classCounts: readonly number[];
}

const defaultHoldOut = 0.05;

/**
 * @param model    as it is before the first step, and how errors call it
 * @param trained  whether the model was there before the data; else it was made for their size, and others among them are refused
 */
export async function openInputs(
  options: ResolvedTrainingOptions,
  { model, where, trained }: { readonly model: Model; readonly where: string; readonly trained: boolean },
): Promise<RunInputs> {
  const classifier = asClassifier(model, where);
  const normalization = normalizationFor(classifier, options.normalization);
  const found = await openDataset(options.id, trained ? shapeHint(classifier) : {});
  const shape = imageShape(classifier, found.shape);
  // A model may take any height and one width.
  const id = isDeepStrictEqual(shape, [...found.shape]) ? found : await openDataset(options.id, { shape });
  const outliers =
    options.outliers === undefined ? undefined : await openDataset(options.outliers, { shape, ignoreLabels: true });
  if (outliers === undefined && options.loss !== "ce") {
    throw new OptionError({
      where: "--outliers",
      expected: `a dataset of outliers for the loss ${options.loss}`,
      received: "none",
      hint: "give a folder of images that show none of the classes, or --loss ce",
    });
  }
  const { projects, prototypes } = losses[options.loss];
  if (options.mixup !== undefined && (projects || prototypes)) {
    throw new OptionError({
      where: "--mixup",
      expected: "a loss that looks at logits alone",
      received: options.loss,
      hint: "it contrasts images by their class, and mixed ones have two: leave out --mixup",
    });
  }
  const plan = planTraining(classifier, shape, options.train);
  if (id.labels === undefined) {
    throw new DataError({
      where: options.id,
      expected: "labelled in-distribution images",
      received: "images without labels",
      hint: "put them into one folder per class, or use a list with labels",
    });
  }
  checkImageClasses(model, id, plan.classes);
  // Of a handful of images none can be spared, and every class keeps one.
  const wanted = Math.round(id.length * defaultHoldOut);
  const spare = options.shuffle && wanted >= 1 && wanted <= id.length - new Set(id.labels).size;
  const share = options.holdOut ?? (spare ? defaultHoldOut : 0);
  const everything = Int32Array.from({ length: id.length }, (_, index) => index);
  const split =
    share === 0 ? { train: everything, held: new Int32Array(0) } : holdOutImages(id.labels, share, options.seed);
  const { labels } = id;
  const trainLabels = split.train.map((index) => labels[index] as number);
  return {
    ...{ classifier, plan, normalization, id, outliers },
    trainIndices: split.train,
    heldIndices: split.held,
    holdOut: share,
    classCounts: [...classCounts(trainLabels, plan.classes)],
  };
}

/** Accuracy on training images is taken from at most this many. */
const sampleSize = 5000;

/** Which images a run with this seed trains on and keeps out. @param share  in (0, 1) */
export function holdOutImages(labels: Int32Array, share: number, seed: number): HoldOut {
  return holdOut(labels, share, createGenerator(seed).fork("hold-out"));
}

/** The images accuracy is watched on: those held out, else training images. */
export function watchedIndices({ heldIndices, trainIndices }: RunInputs): Int32Array {
  if (heldIndices.length > 0) return heldIndices;
  // Evenly spread, because datasets often lie in class order.
  const count = Math.min(sampleSize, trainIndices.length);
  return Int32Array.from(
    { length: count },
    (_, place) => trainIndices[Math.floor((place * trainIndices.length) / count)] as number,
  );
}
