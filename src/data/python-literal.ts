import { FormatError } from "../errors.js";

/** A value that Python's `repr` writes for plain data; tuples become arrays, `None` null. */
export type PythonValue = string | number | boolean | null | readonly PythonValue[] | ReadonlyMap<string, PythonValue>;

/** Nesting that is read; headers of NPY files and image lists have 2. */
const deepest = 8;

/**
 * Reads a Python literal: dicts with string keys, tuples, lists, strings without escapes, integers, floats, True, False
 * and None. Nothing is evaluated.
 *
 * @param where  what the text belongs to, for messages
 * @throws FormatError for anything else
 */
export function parsePythonLiteral(text: string, where: string): PythonValue {
  let at = 0;
  const fail = (expected: string): never => {
    const rest = text.slice(at, at + 20);
    throw new FormatError({
      where,
      expected: `${expected} at column ${at + 1}`,
      received: rest === "" ? "the end of the text" : JSON.stringify(rest),
    });
  };
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return undefined;
    at = pattern.lastIndex;
    return match[0];
  };
  const space = (): void => void take(/\s*/y);
  const symbol = (character: string): boolean => {
    space();
    if (text[at] !== character) return false;
    at++;
    return true;
  };

  const elements = (close: string, depth: number): { values: PythonValue[]; comma: boolean } => {
    const values: PythonValue[] = [];
    let comma = true;
    while (!symbol(close)) {
      if (!comma) fail(`"," or "${close}"`);
      values.push(value(depth + 1));
      comma = symbol(",");
    }
    return { values, comma };
  };
  const dict = (depth: number): ReadonlyMap<string, PythonValue> => {
    const entries = new Map<string, PythonValue>();
    let comma = true;
    while (!symbol("}")) {
      if (!comma) fail('"," or "}"');
      const key = value(depth + 1);
      if (typeof key !== "string") return fail("a key in quotes before this");
      if (entries.has(key)) return fail(`a key other than "${key}" before this`);
      if (!symbol(":")) fail('":"');
      entries.set(key, value(depth + 1));
      comma = symbol(",");
    }
    return entries;
  };
  const value = (depth: number): PythonValue => {
    if (depth > deepest) return fail(`at most ${deepest} levels`);
    if (symbol("{")) return dict(depth);
    if (symbol("[")) return elements("]", depth).values;
    if (symbol("(")) {
      const { values, comma } = elements(")", depth);
      // Parentheses around one value without a comma are just parentheses.
      return values.length === 1 && !comma ? (values[0] as PythonValue) : values;
    }
    const quoted = take(/'[^'\\\n]*'|"[^"\\\n]*"/y);
    if (quoted !== undefined) return quoted.slice(1, -1);
    // Python 2 wrote long integers with an L.
    const number = take(/[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?L?/y);
    if (number !== undefined) return Number(number.replace(/L$/, ""));
    const word = take(/True|False|None/y);
    if (word !== undefined) return word === "None" ? null : word === "True";
    return fail("a Python literal");
  };

  const result = value(0);
  space();
  if (at < text.length) fail("the end");
  return result;
}
