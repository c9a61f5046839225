import type { SegmentationDataset } from "../../data/index.js";
import type { Model } from "../../onnx/index.js";
import { checkClassPlaces, classNamesOf } from "../class-names.js";

/** Classes of labels, in the order of their train ids, and those of the layout before some were left out. */
export type LabelledClasses = {
  readonly [Names in "classNames" | "allClasses"]?: SegmentationDataset[Names] | undefined;
};

/**
 * Refuses labels whose train ids are outputs of other classes: classes before others were left out, and the model has them. A model that remembers
 * its classes is asked for their places; of another one it is taken for granted that it has the classes of the layout where it has as many outputs.
 *
 * @param outputs  of the model
 * @param where    the data, for the message
 * @throws DataError naming a class and the output that it would be judged by
 */
export function checkClassOrder(
  model: Pick<Model, "metadata">,
  outputs: number,
  { classNames, allClasses }: LabelledClasses,
  where: string,
): void {
  const own = classNamesOf(model) ?? (allClasses !== undefined && outputs >= allClasses.length ? allClasses : []);
  const hint =
    "leave out the classes that the model was not trained on and no others, with ?void=NAME or ?outlier=NAME";
  checkClassPlaces(own, classNames, { where, hint });
}
