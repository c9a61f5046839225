import { DataError, OptionError } from "../errors.js";
import type { DatasetOptions, LongTail } from "./dataset-options.js";
import { createGenerator } from "./random.js";
import { indicesByClass } from "./splits.js";
import type { ImageSource } from "./types.js";

/**
 * Which images of a source the options of a dataset leave, ascending: classes are chosen first, then the long tail is
 * cut, then `per-class`, then `limit`. With `seed`, what is kept of a class or of the set is random. The long tail and
 * `per-class` leave out images of no class (label -1): they count by class.
 *
 * @param where  the dataset as the user wrote it
 * @throws OptionError for a class that is not there
 * @throws DataError when classes are to be selected but images have no labels, or nothing is left
 */
export function selectImages(
  source: Pick<ImageSource, "length" | "labels" | "classNames">,
  options: DatasetOptions,
  where: string,
): Int32Array {
  const { include, exclude, longTail, perClass, limit, seed } = options;
  let selection: Int32Array = Int32Array.from({ length: source.length }, (_, index) => index);
  if (include !== undefined || exclude !== undefined || longTail !== undefined || perClass !== undefined) {
    const labels = source.labels;
    if (labels === undefined) {
      throw new DataError({
        where,
        problem: "classes cannot be selected, because the images have no labels",
        hint: "leave out include, exclude, long-tail and per-class",
      });
    }
    if (include !== undefined) {
      const kept = new Set(include.map((name) => classIndex(name, source, labels, where)));
      selection = selection.filter((index) => kept.has(labels[index] as number));
    }
    if (exclude !== undefined) {
      const dropped = new Set(exclude.map((name) => classIndex(name, source, labels, where)));
      selection = selection.filter((index) => !dropped.has(labels[index] as number));
    }
    if (longTail !== undefined) {
      const sizes = longTailSizes(classSizes(selection, labels), longTail);
      selection = firstOfEachClass(selection, labels, (label) => sizes.get(label) ?? 0, seed);
    }
    if (perClass !== undefined) selection = firstOfEachClass(selection, labels, () => perClass, seed);
  }
  if (limit !== undefined && limit < selection.length) {
    selection =
      seed === undefined
        ? selection.slice(0, limit)
        : sample(selection, limit, createGenerator(seed).fork("limit").permutation(selection.length));
  }
  if (selection.length === 0) throw new DataError({ where, problem: "its options leave no image" });
  return selection;
}

/**
 * Images that each class of a long-tailed set keeps: `n_c = int(n_max * ratio^(c / (K - 1)))` for `exp`; for `step`, the
 * first K/2 classes (rounded down) keep `n_max` and the others `int(n_max * ratio)`. `c` counts the classes that are
 * present from 0 in ascending order; `n_max` is the size of the largest. A class with fewer images keeps what it has.
 * Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019, section 4.
 */
export function longTailSizes(sizes: ReadonlyMap<number, number>, { shape, ratio }: LongTail): Map<number, number> {
  const classes = [...sizes.keys()].sort((one, other) => one - other);
  const most = Math.max(...sizes.values());
  const share = (rank: number): number => {
    if (shape === "step") return rank < Math.floor(classes.length / 2) ? 1 : ratio;
    return classes.length === 1 ? 1 : ratio ** (rank / (classes.length - 1));
  };
  return new Map(
    classes.map((label, rank) => {
      const wanted = Math.floor(most * share(rank));
      return [label, Math.min(wanted, sizes.get(label) as number)];
    }),
  );
}

function classSizes(selection: Int32Array, labels: Int32Array): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const index of selection) {
    const label = labels[index] as number;
    if (label >= 0) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  }
  return sizes;
}

function firstOfEachClass(
  selection: Int32Array,
  labels: Int32Array,
  sizeOf: (label: number) => number,
  seed: number | undefined,
): Int32Array {
  const generator = seed === undefined ? undefined : createGenerator(seed).fork("class");
  const kept: number[] = [];
  for (const [label, places] of indicesByClass(selection.map((index) => labels[index] as number))) {
    if (label < 0) continue;
    const order = generator?.fork(label).permutation(places.length);
    for (let rank = 0; rank < Math.min(sizeOf(label), places.length); rank++) {
      kept.push(selection[places[order?.[rank] ?? rank] as number] as number);
    }
  }
  return Int32Array.from(kept).sort();
}

function sample(selection: Int32Array, size: number, order: Int32Array): Int32Array {
  return order
    .slice(0, size)
    .map((place) => selection[place] as number)
    .sort();
}

/** WordNet id and name, as Tiny-ImageNet's class lists have them: either part names the class. */
const wordNetClass = /^(n\d{8}) (.+)$/;

function classIndex(name: string, source: Pick<ImageSource, "classNames">, labels: Int32Array, where: string): number {
  const classNames = source.classNames ?? [];
  const matches = classNames.flatMap((candidate, index) =>
    candidate === name || wordNetClass.exec(candidate)?.slice(1).includes(name) ? [index] : [],
  );
  if (matches.length === 1) return matches[0] as number;
  if (matches.length > 1) {
    throw new OptionError({
      where,
      problem: `"${name}" names ${matches.length} classes`,
      hint: "give the class by its index",
    });
  }
  const index = /^-?\d+$/.test(name) ? Number(name) : Number.NaN;
  if (index >= 0 ? index < classNames.length || labels.includes(index) : labels.includes(index)) return index;
  throw new OptionError({
    where,
    expected: classNames.length === 0 ? "the index of a class" : `one of its classes (${shortList(classNames)})`,
    received: `"${name}"`,
  });
}

function shortList(words: readonly string[]): string {
  const shown = words.slice(0, 12).join(", ");
  return words.length > 12 ? `${shown} and ${words.length - 12} more` : shown;
}
