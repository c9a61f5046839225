import { DataError, FormatError } from "../errors.js";
import type { ImageDataset } from "./types.js";

/** Largest label that is believed: no image data set has a million classes, but broken files have. */
const mostClasses = 1_000_000;

/**
 * Numbers of a file as labels.
 *
 * @param count   images that the labels belong to
 * @param images  the file of the images, for messages
 * @throws FormatError when their numbers differ, or a value is no integer from -1 on
 */
export function readLabelArray(values: ArrayLike<number>, where: string, count: number, images: string): Int32Array {
  if (values.length !== count) {
    throw new FormatError({
      where,
      expected: `${count} labels, one for each image of ${images}`,
      received: String(values.length),
    });
  }
  const labels = new Int32Array(count);
  for (let index = 0; index < count; index++) {
    const value = values[index] as number;
    if (!Number.isInteger(value) || value < -1 || value >= mostClasses) {
      throw new FormatError({
        where: `${where} label ${index}`,
        expected: `an integer from -1 to ${mostClasses - 1}`,
        received: String(value),
      });
    }
    labels[index] = value;
  }
  return labels;
}

/**
 * The labels of a dataset that needs them.
 *
 * @throws DataError when it has none
 */
export function requireLabels(dataset: ImageDataset): Int32Array {
  if (dataset.labels !== undefined) return dataset.labels;
  throw new DataError({
    where: dataset.spec,
    expected: "images with labels",
    received: "images without",
    hint: "put the images of each class into a folder of their own, or give a file of labels",
  });
}

/**
 * Checks that the labels of a dataset are classes of a model.
 *
 * @param classes  number of outputs of the model
 * @throws DataError when the dataset has no labels, names another number of classes, or has a label outside
 *   [0, classes)
 */
export function checkClassCount(dataset: ImageDataset, classes: number): void {
  const labels = requireLabels(dataset);
  const names = dataset.classNames;
  if (names !== undefined && names.length !== classes) {
    throw new DataError({
      where: dataset.spec,
      expected: `${classes} classes, as the model has outputs`,
      received: `${names.length} (${names.slice(0, 3).join(", ")}${names.length > 3 ? ", ..." : ""})`,
      hint: "use the dataset that the model was trained on, with every class in its place",
    });
  }
  const index = labels.findIndex((label) => label < 0 || label >= classes);
  if (index >= 0) {
    throw new DataError({
      where: dataset.describe(index),
      expected: `a label from 0 to ${classes - 1}, as the model has ${classes} outputs`,
      received: String(labels[index]),
    });
  }
}
