/** Where a number that a loss takes must lie. */
export interface Range {
  /** In the words of an error: "a share in (0, 1]". */
  readonly words: string;
  has(value: number): boolean;
}

export const share: Range = { words: "a share in (0, 1]", has: (value) => value > 0 && value <= 1 };
export const positive: Range = { words: "a number above 0", has: (value) => value > 0 };
export const notNegative: Range = { words: "a number from 0 on", has: (value) => value >= 0 };
export const count: Range = {
  words: "a whole number from 1 on",
  has: (value) => Number.isSafeInteger(value) && value >= 1,
};
