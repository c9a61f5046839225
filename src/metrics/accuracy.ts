import { DataError, ShapeError } from "../errors.js";
import type { ShotGroups } from "./shot-groups.js";

/**
 * The class with the largest logit of each row; the first one where several are largest.
 *
 * @param logits   [N, K], row-major
 * @param classes  K ≥ 1
 * @returns int32 [N]
 * @throws ShapeError when the logits do not fill whole rows
 * @throws DataError when a logit is NaN
 */
export function argmax(logits: Float32Array, classes: number): Int32Array {
  if (!Number.isInteger(classes) || classes < 1 || logits.length % classes !== 0) {
    throw new ShapeError({
      where: "argmax",
      expected: "logits of shape [N, K], K ≥ 1",
      received: `${logits.length} values for ${classes} classes`,
    });
  }
  const predictions = new Int32Array(logits.length / classes);
  for (let row = 0; row < predictions.length; row++) {
    const start = row * classes;
    let best = 0;
    for (let index = 0; index < classes; index++) {
      const value = logits[start + index] as number;
      if (Number.isNaN(value)) {
        throw new DataError({
          where: `logits of image ${row}`,
          expected: "numbers",
          received: `NaN for class ${index}`,
        });
      }
      if (value > (logits[start + best] as number)) best = index;
    }
    predictions[row] = best;
  }
  return predictions;
}

/**
 * Share of predictions that equal their label.
 *
 * @throws ShapeError when the lengths differ
 * @throws DataError when there are none
 */
export function accuracy(predictions: ArrayLike<number>, labels: ArrayLike<number>): number {
  checkLengths(predictions, labels);
  let correct = 0;
  for (let index = 0; index < labels.length; index++) if (predictions[index] === labels[index]) correct++;
  return correct / labels.length;
}

/**
 * Accuracy within each class (recall of the class); NaN for a class without images.
 *
 * @param classes  K; labels lie in [0, K)
 * @returns float64 [K]
 * @throws ShapeError when the lengths differ
 * @throws DataError when there are no images or a label lies outside the range
 */
export function accuracyByClass(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Float64Array {
  checkLengths(predictions, labels);
  const correct = new Float64Array(classes);
  const total = new Float64Array(classes);
  for (let index = 0; index < labels.length; index++) {
    const label = labels[index] as number;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new DataError({
        where: `label of image ${index}`,
        expected: `a class in [0, ${classes - 1}]`,
        received: String(label),
      });
    }
    total[label] = (total[label] as number) + 1;
    if (predictions[index] === label) correct[label] = (correct[label] as number) + 1;
  }
  return correct.map((count, label) => count / (total[label] as number));
}

/**
 * Mean over a group's classes of the accuracy within the class, leaving out classes without images; NaN for a group in
 * which no class has images.
 *
 * @param byClass  from {@link accuracyByClass}
 */
export function accuracyByGroup(byClass: Float64Array, groups: ShotGroups): Record<keyof ShotGroups, number> {
  const meanOver = (members: readonly number[]) => {
    const values = members.map((label) => byClass[label] ?? Number.NaN).filter((value) => !Number.isNaN(value));
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  return { many: meanOver(groups.many), medium: meanOver(groups.medium), few: meanOver(groups.few) };
}

function checkLengths(predictions: ArrayLike<number>, labels: ArrayLike<number>): void {
  if (predictions.length !== labels.length) {
    throw new ShapeError({
      where: "accuracy",
      expected: `${labels.length} predictions, one per label`,
      received: String(predictions.length),
    });
  }
  if (labels.length === 0) throw new DataError({ where: "accuracy", expected: "at least one image", received: "none" });
}
