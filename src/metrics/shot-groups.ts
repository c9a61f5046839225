import { DataError } from "../errors.js";

/** Classes by how many training images they have; each list ascends. */
export interface ShotGroups {
  readonly many: readonly number[];
  readonly medium: readonly number[];
  readonly few: readonly number[];
}

/** From this number of classes on, groups go by fixed numbers of images, as on ImageNet-LT. */
const mostRanked = 100;
/** More images than this are many; fewer than the other are few. */
const fixed = { many: 100, few: 20 };

/**
 * Splits classes by their number of training images, by the rule of Wang et al., "Partial and Asymmetric Contrastive Learning for
 * Out-of-Distribution Detection in Long-Tailed Recognition" (PASCL), ICML 2022, and their code: of K ≤ 100 classes in the order of their counts, many-shot
 * are those with more images than the one at place ⌊0.34 K⌋ (from 0), few-shot those with fewer than the one at ⌊0.67 K⌋; of more classes, those with
 * more than 100 images and those with fewer than 20. Long-tailed CIFAR-10 has 3, 4 and 3 such classes, CIFAR-100 34, 34 and 32. Classes of one size are of one
 * group, so that a balanced set has medium-shot classes alone.
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
  const ranked = counts.toSorted((a, b) => b - a);
  const at = (share: number) => ranked[Math.floor(share * counts.length)] as number;
  const { many, few } = counts.length <= mostRanked ? { many: at(0.34), few: at(0.67) } : fixed;
  const classes = (belongs: (count: number) => boolean) =>
    counts.flatMap((count, label) => (belongs(count) ? [label] : []));
  return {
    many: classes((count) => count > many),
    medium: classes((count) => count <= many && count >= few),
    few: classes((count) => count < few),
  };
}
