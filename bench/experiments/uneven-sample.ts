import { classCounts } from "../../src/data/index.js";

export interface SampleOptions {
  readonly classes: number;
  /** Shares of the sample follow the shares of all, raised to this power: 0 even, 1 as they are. */
  readonly power: number;
  readonly number: number;
  /** All indices in the order in which they are taken. */
  readonly order: ArrayLike<number>;
}

/**
 * Indices of a sample by class, as many of each as `share^power` asks for, or all there are where it asks for more; the others make up for it.
 *
 * @param labels  class of each candidate
 */
export function unevenSample(labels: Int32Array, { classes, power, number, order }: SampleOptions): number[] {
  const counts = [...classCounts(labels, classes)];
  if (number > labels.length) throw new Error(`a sample of ${number} out of ${labels.length}`);
  const left = quotas(counts, power, number);
  const chosen: number[] = [];
  for (let position = 0; position < order.length; position++) {
    const index = order[position] as number;
    const label = labels[index] as number;
    const rest = left[label] as number;
    if (rest === 0) continue;
    left[label] = rest - 1;
    chosen.push(index);
  }
  return chosen;
}

/** Whole numbers that sum to `number`: `scale · count^power` capped by the count, what rounding leaves to the classes with most to spare. */
function quotas(counts: readonly number[], power: number, number: number): number[] {
  const wanted = counts.map((count) => (count === 0 ? 0 : count ** power));
  const total = (scale: number) =>
    counts.reduce((sum, count, label) => sum + Math.min(count, scale * (wanted[label] as number)), 0);
  let [low, high] = [0, 1];
  while (total(high) < number && high < 1e12) high *= 2;
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (total(middle) < number) low = middle;
    else high = middle;
  }
  const whole = counts.map((count, label) => Math.min(count, Math.floor(high * (wanted[label] as number))));
  for (let missing = number - whole.reduce((sum, one) => sum + one, 0); missing > 0; missing--) {
    const spare = counts.map((count, label) => count - (whole[label] as number));
    const most = spare.indexOf(Math.max(...spare));
    whole[most] = (whole[most] as number) + 1;
  }
  return whole;
}
