import { checkClassCount, type ImageDataset } from "../data/index.js";
import { DataError } from "../errors.js";
import type { Model } from "../onnx/index.js";
import { classNamesKey } from "./classifier.js";

/**
 * Refuses labels that are outputs of other classes: a class that the model remembers in another place. Names that one side does not know say nothing.
 *
 * @param own         what the outputs are called, in their order
 * @param classNames  of the labels, in the order of their numbers
 * @param where       the data, for the message
 * @throws DataError naming a class and the output that it would be judged by
 */
export function checkClassPlaces(
  own: readonly string[] = [],
  classNames: readonly string[] = [],
  { where, hint }: { readonly where: string; readonly hint: string },
): void {
  for (const [label, name] of classNames.entries()) {
    const output = own.indexOf(name);
    if (output < 0 || output === label) continue;
    throw new DataError({
      where,
      expected: `class "${name}" as number ${output}, which the model's output of it has`,
      received: `number ${label}, the output of "${own[label] ?? "no class"}"`,
      hint,
    });
  }
}

/**
 * Checks that the labels of images are the classes of a model: their number, and, as folders are numbered in the order of their names, their places.
 *
 * @param classes  number of outputs of the model
 * @throws DataError as {@link checkClassCount} and {@link checkClassPlaces} do
 */
export function checkImageClasses(model: Pick<Model, "metadata">, dataset: ImageDataset, classes: number): void {
  checkClassCount(dataset, classes);
  const hint = "number the classes as where the model was trained: rename folders, or give a list with labels";
  checkClassPlaces(classNamesOf(model), dataset.classNames, { where: dataset.spec, hint });
}

/** Names of the classes that a tuned model remembers from its training images; undefined for a model that has none. */
export function classNamesOf({ metadata }: Pick<Model, "metadata">): readonly string[] | undefined {
  const text = metadata.get(classNamesKey);
  if (text === undefined) return undefined;
  try {
    const names: unknown = JSON.parse(text);
    return Array.isArray(names) && names.every((name) => typeof name === "string") ? names : undefined;
  } catch {
    return undefined;
  }
}
