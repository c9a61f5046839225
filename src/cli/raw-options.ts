/** Options between reading and checking: texts, and where each came from. */
import { OptionError } from "../errors.js";
import { nameOf, type OptionDeclarations } from "./option.js";

export interface RawValue {
  readonly text: string;
  /** `--alpha`, or file, line and column. */
  readonly where: string;
}

/** What was given for each option, by the key of its declaration; the last counts where only one may be given. */
export type RawOptions = Map<string, readonly RawValue[]>;

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
    const { parser, many } = option;
    if (many === undefined) {
      const { text, where } = given.at(-1) as RawValue;
      values[key] = await parser.parse(text, where);
      continue;
    }
    const { separator } = many;
    const parts = given.flatMap(({ text, where }) => {
      const texts = separator === undefined ? [text] : text.split(separator).map((part) => part.trim());
      return texts.map((part) => ({ text: part, where }));
    });
    values[key] = await Promise.all(parts.map(({ text, where }) => parser.parse(text, where)));
  }
  return values;
}

function missing(name: string, placeholder: string, positional: boolean, command: string): OptionError {
  const what = positional ? placeholder : `--${name} ${placeholder}`;
  return new OptionError({
    where: command,
    problem: `${what} is missing`,
    hint: positional
      ? `add it in front of flags, as some take several values, or see \`offmap ${command} --help\``
      : `add it, or see \`offmap ${command} --help\``,
  });
}
