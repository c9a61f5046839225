/** The bank of in-distribution images that scores of neighbours look into. */
import { OptionError } from "../../errors.js";
import type { Rows } from "./fit-data.js";
import { images as rowsOf } from "./rows.js";

type BankSize = {
  /** Neighbours that are looked at, ≥ 1. */
  readonly k: number;
  /** Most images in the bank, ≥ k. */
  readonly bank: number;
};

export type BankOptions = BankSize & {
  /** Share of all images that is put into the bank, in (0, 1]; `bank` limits it. */
  readonly share: number;
};

/** @throws OptionError unless both are whole numbers ≥ 1 */
export function checkBank(score: string, options: BankSize): void {
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

/** {@link checkBank}, and the share. @throws OptionError for one outside of (0, 1] */
export function checkSharedBank(score: string, options: BankOptions): void {
  checkBank(score, options);
  if (options.share > 0 && options.share <= 1) return;
  throw new OptionError({
    where: `${score} score`,
    expected: "share to be above 0 and at most 1",
    received: String(options.share),
  });
}

/**
 * The images of the bank: the sample, or those at even distances of it where it is larger, as only a sample of a larger set is in random order.
 *
 * @param images  how many the sample is of
 * @throws OptionError for a k larger than the bank, which says what limits it
 */
export function bankOf(score: string, images: number, sample: Rows, { k, share, bank }: BankOptions) {
  const shared = Math.floor(share * images);
  const count = Math.min(bank, sample.count, shared);
  if (k > count) {
    // Several limits may be the lowest at once, and then all of them are in the way.
    const limits = Object.entries({ "--sample": sample.count, share: shared, bank })
      .filter(([, limit]) => limit === count && count < images)
      .map(([name]) => name);

    throw new OptionError({
      where: `${score} score`,
      expected: `a k of at most ${count}, the number of images in the bank`,
      received: String(k),
      hint: `choose a smaller k, or ${limits.length > 0 ? `a larger ${limits.join(" and ")}` : "fit it to more images"}`,
    });
  }
  const all = [...rowsOf(sample)];
  return Array.from({ length: count }, (_, place) => {
    const image = all[Math.floor((place * sample.count) / count)];
    return image as NonNullable<typeof image>;
  });
}
