import { DataError } from "../errors.js";

/** Classes by how many training images they have; each list ascends. */
export interface ShotGroups {
  readonly many: readonly number[];
  readonly medium: readonly number[];
  readonly few: readonly number[];
}

/**
 * Splits classes into thirds by their number of training images: the `round(K / 3)` largest classes are many-shot, as many of
 * the smallest are few-shot, and the rest is medium-shot. Of classes of one size the one with the lower index counts as larger.
 * With K = 10 that is 3, 4 and 3 classes, as in Wang et al., "Partial and Asymmetric Contrastive Learning for Out-of-Distribution
 * Detection in Long-Tailed Recognition" (PASCL), ICML 2022. With one class it is medium-shot, with two there is no medium.
 *
 * @param classCounts  training images per class, [K]
 * @throws DataError when there is no class or a count is not a whole number ≥ 0
 */
export function shotGroups(classCounts: ArrayLike<number>): ShotGroups {
  const counts = Array.from(classCounts);
  const bad = counts.findIndex((count) => !Number.isSafeInteger(count) || count < 0);
  if (counts.length === 0 || bad >= 0) {
    throw new DataError({
      where: "class counts",
      expected: "one whole number ≥ 0 per class",
      received: bad >= 0 ? `${counts[bad]} for class ${bad}` : "none",
    });
  }
  const third = Math.round(counts.length / 3);
  // The sort is stable, so classes of one size stay in the order of their index.
  const ranked = counts.map((_, label) => label).sort((a, b) => (counts[b] as number) - (counts[a] as number));
  const group = (start: number, end: number) => ranked.slice(start, end).sort((a, b) => a - b);
  return {
    many: group(0, third),
    medium: group(third, counts.length - third),
    few: group(counts.length - third, counts.length),
  };
}
