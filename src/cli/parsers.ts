/** From the text of an option to its value. Every range check of the command line is here. */
import { OptionError } from "../errors.js";
import { nearest } from "./nearest.js";

export interface Parser<Value> {
  /** The texts it takes, where they can be listed. */
  readonly choices?: () => Promise<readonly string[]>;
  /**
   * @param where  how the error calls the place: `--alpha`, or a line of the configuration file
   * @throws OptionError when the text is not such a value
   */
  parse(text: string, where: string): Promise<Value>;
}

/** @param expected  what it should be, for the error about an empty text */
export function text(expected: string): Parser<string> {
  return {
    async parse(given, where) {
      if (given.trim() === "") throw new OptionError({ where, expected, received: "an empty text" });
      return given;
    },
  };
}

export interface Range {
  /** Smallest value allowed. */
  readonly min?: number;
  /** Bound that the value must exceed. */
  readonly above?: number;
  /** Largest value allowed. */
  readonly max?: number;
}

/** A decimal number such as `0.001`, `-23` or `1e-3`. */
export function number(range: Range = {}): Parser<number> {
  return numeric("a number", /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i, range);
}

export function integer(range: Range = {}): Parser<number> {
  return numeric("a whole number", /^[+-]?\d+$/, range);
}

function numeric(kind: string, syntax: RegExp, range: Range): Parser<number> {
  return {
    async parse(given, where) {
      const value = syntax.test(given.trim()) ? Number(given) : Number.NaN;
      const { min = -Number.MAX_VALUE, above = Number.NEGATIVE_INFINITY, max = Number.MAX_VALUE } = range;
      if (!(value >= min && value > above && value <= max)) {
        throw new OptionError({ where, expected: `${kind}${describeRange(range)}`, received: `"${given}"` });
      }
      return value;
    },
  };
}

function describeRange({ min, above, max }: Range): string {
  const bounds = [
    min === undefined ? undefined : `of at least ${min}`,
    above === undefined ? undefined : `above ${above}`,
    max === undefined ? undefined : `${min === undefined && above === undefined ? "of " : ""}at most ${max}`,
  ].filter((bound) => bound !== undefined);
  return bounds.length === 0 ? "" : ` ${bounds.join(" and ")}`;
}

/**
 * One of a list of words.
 *
 * @param words  a function where the list belongs to a library, so that the library is only loaded when it is needed
 */
export function oneOf<const Word extends string>(
  words: readonly Word[] | (() => Promise<readonly Word[]>),
): Parser<Word> & { choices: () => Promise<readonly Word[]> } {
  const choices = typeof words === "function" ? words : async () => words;
  return {
    choices,
    async parse(given, where) {
      const known = await choices();
      const found = known.find((word) => word === given);
      if (found !== undefined) return found;
      const meant = nearest(given, known);
      throw new OptionError({
        where,
        expected: known.length === 1 ? `${known[0]}` : `one of ${known.join(", ")}`,
        received: `"${given}"`,
        ...(meant === undefined ? {} : { hint: `did you mean ${meant}?` }),
      });
    },
  };
}

/** A number, or the word `auto`. */
export function numberOrAuto(range: Range = {}): Parser<number | "auto"> {
  const numbers = number(range);
  return {
    async parse(given, where) {
      if (given === "auto") return "auto";
      try {
        return await numbers.parse(given, where);
      } catch (error) {
        if (!(error instanceof OptionError)) throw error;
        throw new OptionError({ ...error.details, expected: `${error.details.expected}, or auto` });
      }
    },
  };
}

/** A name and a number, such as `k=50`. */
export const namedNumber: Parser<readonly [name: string, value: number]> = {
  async parse(given, where) {
    const [, name, value] = /^([A-Za-z]\w*)=(.+)$/.exec(given) ?? [];
    if (name === undefined || value?.trim() === "" || !Number.isFinite(Number(value))) {
      throw new OptionError({ where, expected: "NAME=NUMBER, such as k=50", received: `"${given}"` });
    }
    return [name, Number(value)];
  },
};
