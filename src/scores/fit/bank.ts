/** The bank of in-distribution images that scores of neighbours look into. */
import { OptionError } from "../../errors.js";
import type { Rows } from "./fit-data.js";
import { images } from "./rows.js";

export type BankOptions = {
  /** Neighbours that are looked at, ≥ 1. */
  readonly k: number;
  /** Most images in the bank, ≥ k. */
  readonly bank: number;
};

/** @throws OptionError unless both are whole numbers ≥ 1 */
export function checkBank(score: string, options: BankOptions): void {
  for (const name of ["k", "bank"] as const) {
    const value = options[name];
    if (Number.isInteger(value) && value >= 1) continue;
    throw new OptionError({
      where: `${score} score`,
      expected: `${name} to be a whole number ≥ 1`,
      received: String(value),
    });
  }
}

/**
 * The images of the bank: the sample, or those at even distances of it where it is larger, as only a sample of a larger set is in random order.
 *
 * @throws OptionError for a k larger than the bank
 */
export function bankOf(score: string, sample: Rows, { k, bank }: BankOptions) {
  const count = Math.min(bank, sample.count);
  if (k > count) {
    throw new OptionError({
      where: `${score} score`,
      expected: `a k of at most ${count}, the number of images in the bank`,
      received: String(k),
      hint: `choose a smaller k, or ${count < sample.count ? "a larger bank" : "fit it to more images"}`,
    });
  }
  const all = [...images(sample)];
  return Array.from({ length: count }, (_, place) => {
    const image = all[Math.floor((place * sample.count) / count)];
    return image as NonNullable<typeof image>;
  });
}
