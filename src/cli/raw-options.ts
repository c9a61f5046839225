/** Options between reading and checking: texts, and where each came from. */
import { OptionError } from "../errors.js";
import { nameOf, type OptionDeclarations } from "./option.js";

export interface RawValue {
  readonly texts: readonly string[];
  /** `--alpha`, or file, line and column. */
  readonly where: string;
}

/** By the key of the declaration. */
export type RawOptions = Map<string, RawValue>;

/**
 * Checks and converts the options that were given.
 *
 * @throws OptionError for a value out of its range, or a required option that is missing
 */
export async function parseOptions(
  raw: RawOptions,
  declarations: OptionDeclarations,
  command: string,
): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(declarations)) {
    const given = raw.get(key);
    if (given === undefined) {
      if (option.required)
        throw missing(nameOf(key, option), option.placeholder ?? "", option.positional ?? false, command);
      continue;
    }
    const { texts, where } = given;
    if (option.many === undefined) {
      values[key] = await option.parser.parse(texts.at(-1) ?? "", where);
      continue;
    }
    const { separator } = option.many;
    const parts = separator === undefined ? texts : texts.flatMap((part) => part.split(separator));
    values[key] = await Promise.all(parts.map((part) => option.parser.parse(part.trim(), where)));
  }
  return values;
}

function missing(name: string, placeholder: string, positional: boolean, command: string): OptionError {
  const what = positional ? placeholder : `--${name} ${placeholder}`;
  return new OptionError({
    where: command,
    problem: `${what} is missing`,
    hint: `add it, or see \`offmap ${command} --help\``,
  });
}
