// Classes by how many training images they have. The papers number classes from the largest to the smallest; here any order will do.
import { type Builder, type Expr, matMul, oneHot, tensorOf } from "../ops/index.js";

/** The `round(share · K)` classes with the most training images, one at least, largest first; of classes of one size the lower index comes first. */
export function headClasses(classCounts: readonly number[], share: number): number[] {
  return ranked(classCounts).slice(0, Math.max(1, Math.round(share * classCounts.length)));
}

/** The classes after the `round((1 - share) · K)` largest, one at least, largest first. */
export function tailClasses(classCounts: readonly number[], share: number): number[] {
  const classes = classCounts.length;
  return ranked(classCounts).slice(Math.min(classes - 1, Math.round((1 - share) * classes)));
}

// The sort is stable, so classes of one size stay in the order of their index.
const ranked = (classCounts: readonly number[]) =>
  classCounts.map((_, label) => label).sort((a, b) => (classCounts[b] as number) - (classCounts[a] as number));

/**
 * Which of some classes each label is: one-hot rows, and rows of zeros for labels of other classes.
 *
 * @param labels   int64 [N], each in [0, K)
 * @param chosen   C of the K classes, C ≥ 1
 * @returns float32 [N, C]
 */
export function oneHotAmong(labels: Expr, chosen: readonly number[], classes: number): Expr {
  return matMul(oneHot(labels, classes), selection(labels.builder, chosen, classes));
}

/** Columns of the identity, [K, C]. */
function selection(builder: Builder, chosen: readonly number[], classes: number): Expr {
  const values = new Array<number>(classes * chosen.length).fill(0);
  chosen.forEach((label, column) => {
    values[label * chosen.length + column] = 1;
  });
  return builder.constant(tensorOf(values, "float32", [classes, chosen.length]));
}
