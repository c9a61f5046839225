import { DataError, OptionError } from "../errors.js";
import type { Generator } from "./random.js";

export interface HoldOut {
  /** Indices that stay, ascending. */
  readonly train: Int32Array;
  /** Indices taken out, ascending. */
  readonly held: Int32Array;
}

/**
 * Takes a random part out of a labelled set such that every class gives its share: the counts per class differ from the
 * exact shares by less than 1 (largest remainders), unless a class would have to give its last image, which it keeps.
 *
 * @param labels     class of each image
 * @param amount     a share in (0, 1), or a number of images from 1 on
 * @param generator  decides which images of a class are taken
 * @throws OptionError when nothing would be left on either side
 */
export function holdOut(labels: Int32Array, amount: number, generator: Generator): HoldOut {
  const wanted = amount < 1 ? Math.round(amount * labels.length) : amount;
  const groups = indicesByClass(labels);
  const most = labels.length - groups.size;
  if (!Number.isSafeInteger(wanted) || wanted < 1 || wanted > most) {
    throw new OptionError({
      where: "--hold-out",
      expected: `between 1 and ${most} of ${labels.length} images in ${groups.size} classes`,
      received: String(amount),
      hint: "every class keeps at least one training image",
    });
  }
  const classes = [...groups.keys()].sort((one, other) => one - other);
  const share = wanted / labels.length;
  const quotas = classes.map((label) => {
    const size = (groups.get(label) as number[]).length;
    const exact = size * share;
    const whole = Math.min(Math.floor(exact), size - 1);
    return { label, size, taken: whole, remainder: exact - whole };
  });
  let missing = wanted - quotas.reduce((sum, { taken }) => sum + taken, 0);
  const byRemainder = [...quotas].sort((one, other) => other.remainder - one.remainder || one.label - other.label);
  while (missing > 0) {
    for (const quota of byRemainder) {
      if (missing === 0) break;
      if (quota.taken + 1 < quota.size) {
        quota.taken++;
        missing--;
      }
    }
  }
  const isHeld = new Uint8Array(labels.length);
  for (const { label, taken } of quotas) {
    const members = groups.get(label) as number[];
    const order = generator.fork(label).permutation(members.length);
    for (const place of order.subarray(0, taken)) isHeld[members[place] as number] = 1;
  }
  const indices = Int32Array.from(labels, (_, index) => index);
  return {
    train: indices.filter((index) => isHeld[index] === 0),
    held: indices.filter((index) => isHeld[index] === 1),
  };
}

/** Indices of each class in order; classes in order of first appearance. */
export function indicesByClass(labels: Int32Array): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  labels.forEach((label, index) => {
    const members = groups.get(label);
    if (members === undefined) groups.set(label, [index]);
    else members.push(index);
  });
  return groups;
}

/**
 * Images of each class.
 *
 * @param classes  number of classes; classes without images count 0
 * @throws DataError when a label lies outside [0, classes)
 */
export function classCounts(labels: Int32Array, classes: number): Int32Array {
  const counts = new Int32Array(classes);
  labels.forEach((label, index) => {
    if (label < 0 || label >= classes) {
      throw new DataError({
        where: `label of image ${index}`,
        expected: `0 to ${classes - 1}`,
        received: String(label),
      });
    }
    counts[label] = (counts[label] as number) + 1;
  });
  return counts;
}
