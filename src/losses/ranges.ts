import { OptionError } from "../errors.js";

/** Where a number that a loss takes must lie. */
export interface Range {
  /** In the words of an error: "a share in (0, 1]". */
  readonly words: string;
  has(value: number): boolean;
}

export const share: Range = { words: "a share in (0, 1]", has: (value) => value > 0 && value <= 1 };
export const shareOrNone: Range = { words: "a share in [0, 1]", has: (value) => value >= 0 && value <= 1 };
export const positive: Range = { words: "a number above 0", has: (value) => value > 0 && value < Infinity };
export const notNegative: Range = { words: "a number from 0 on", has: (value) => value >= 0 && value < Infinity };
export const count: Range = {
  words: "a whole number from 1 on",
  has: (value) => Number.isSafeInteger(value) && value >= 1,
};

/** Ranges of the options of a loss; any number where none is told. */
export type Ranges<Options extends object> = { readonly [Name in keyof Options]?: Range };

/**
 * @param flag  how the user calls an option
 * @throws OptionError for a number out of its range; other values are left to who knows their type
 */
export function checkRanges<Options extends object>(
  ranges: Ranges<Options> | undefined,
  options: object,
  flag = (name: string) => `--loss-option ${name}`,
): void {
  const known = new Map(Object.entries<Range | undefined>(ranges ?? {}));
  for (const [name, value] of Object.entries(options)) {
    const range = known.get(name);
    if (range === undefined || typeof value !== "number" || range.has(value)) continue;
    throw new OptionError({ where: flag(name), expected: range.words, received: String(value) });
  }
}
