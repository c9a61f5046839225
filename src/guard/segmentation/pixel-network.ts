/** What a segmentation network gives for images of a size, and how many of its outputs are classes. */
import type { Size } from "../../data/index.js";
import { DataError } from "../../errors.js";
import { abstentionKey } from "../../nn/types.js";
import { classNamesOf } from "../../training/class-names.js";
import type { Classifier } from "../../training/classifier.js";
import { checkClassOrder, type LabelledClasses } from "../../training/segmentation/class-order.js";
import { outlierOutput } from "../../training/segmentation/outlier-head.js";
import { inferPixelShapes, type PixelShapes } from "../../training/segmentation/segmenter.js";

/** Shapes of the logits and all tensors before them, and of the outlier head where there is one. */
export function pixelShapes(classifier: Classifier, { height, width }: Size): PixelShapes {
  return inferPixelShapes(classifier, [3, height, width], [], hasOutlierHead(classifier) ? [outlierOutput] : []);
}

export const hasOutlierHead = ({ upgraded }: Classifier): boolean =>
  upgraded.graph.outputs.some(({ name }) => name === outlierOutput);

/** Size that an image is fed in: the model's own, filled up with the image's where the model takes any. */
export function inputSize({ shape: [, height, width] }: Classifier, image: Size): Size {
  return { height: height ?? image.height, width: width ?? image.width };
}

/**
 * How many of a model's outputs are classes: as many as the data have; without such data, as many as the model was trained on, or, where it does not say,
 * all but those that its metadata say belong to none. Outputs beyond the classes are left out of predictions and scores.
 *
 * @param outputs  of the model
 * @param labels   the data's classes, where its labels tell classes
 * @param where    the data, for the message
 * @throws DataError when the data have more classes than the model, or number them otherwise: see {@link checkClassOrder}
 */
export function classesOf(
  { model }: Pick<Classifier, "model">,
  outputs: number,
  labels: LabelledClasses,
  where: string,
): number {
  const names = labels.classNames ?? classNamesOf(model);
  const most = outputs - Number(model.metadata.get(abstentionKey) ?? 0);
  const classes = names?.length ?? most;
  if (classes <= most) {
    checkClassOrder(model, outputs, labels, where);
    return classes;
  }
  throw new DataError({
    where,
    expected: `labels of at most ${most} classes, which the model tells apart`,
    received: `${classes} (${names?.slice(0, 3).join(", ")}, ...)`,
    hint: "leave out the classes that the model was not trained on, with ?outlier=NAME or ?void=NAME",
  });
}

/**
 * How many outputs after those of the classes a model abstains with: what training wrote into its metadata; else all that there are. Training leaves out
 * those beyond, and so must a score that is taken over both.
 */
export const abstainingOutputs = ({ model }: Pick<Classifier, "model">, outputs: number, classes: number): number =>
  Number(model.metadata.get(abstentionKey) ?? outputs - classes);
