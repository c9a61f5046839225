/** Commander takes arguments apart and lays out the help; what the options are comes from the declarations. */
import { Command as Commander, CommanderError, Option as CommanderOption } from "commander";
import { OptionError } from "../errors.js";
import type { Command } from "./command.js";
import { nearest } from "./nearest.js";
import { nameOf, type Option, type OptionDeclarations } from "./option.js";
import type { RawOptions, RawValue } from "./raw-options.js";

/**
 * Reads the arguments after the command's name.
 *
 * @throws OptionError for an unknown flag, a flag without its value, or too many arguments
 */
export function readArguments(argv: readonly string[], command: Command, declarations: OptionDeclarations): RawOptions {
  const found = new Map<string, RawValue[]>();
  const add = (key: string, text: string, where: string) => {
    found.set(key, [...(found.get(key) ?? []), { text, where }]);
  };
  const parser = new Commander(command.name)
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const flags: string[] = [];
  for (const [key, option] of flagged(declarations)) {
    const flag = `--${nameOf(key, option)}`;
    flags.push(flag);
    parser.addOption(commanderOption(key, option));
    parser.on(`option:${nameOf(key, option)}`, (value: string | null) => {
      if (value !== null && flags.includes(value)) throw valueMissing(flag, option, `the flag ${value}`);
      add(key, value ?? "true", flag);
    });
  }
  const { operands, unknown } = parseWith(parser, argv, declarations);
  const stranger = unknown[0];
  if (stranger !== undefined) {
    const flag = stranger.split("=")[0] as string;
    if (flags.includes(flag)) {
      throw new OptionError({
        where: flag,
        expected: "nothing behind it",
        received: `"${stranger}"`,
        hint: `write ${flag}`,
      });
    }
    const meant = nearest(flag, flags);
    throw new OptionError({
      where: command.name,
      problem: `unknown flag ${flag}`,
      hint: meant === undefined ? `see \`offmap ${command.name} --help\`` : `did you mean ${meant}?`,
    });
  }
  const place = Object.entries(declarations).find(([, option]) => option.positional);
  operands.forEach((operand, index) => {
    if (place === undefined || (index > 0 && place[1].many === undefined)) {
      throw new OptionError({
        where: command.name,
        expected: place === undefined ? "flags only" : `one ${place[1].placeholder}`,
        received: `the argument "${operand}"`,
        hint: `see \`offmap ${command.name} --help\``,
      });
    }
    add(place[0], operand, place[1].placeholder ?? "");
  });
  return found;
}

function parseWith(parser: Commander, argv: readonly string[], declarations: OptionDeclarations) {
  try {
    return parser.parseOptions([...argv]);
  } catch (error) {
    // The only complaint left to Commander: a flag at the end of the line that wants a value.
    if (!(error instanceof CommanderError) || error.code !== "commander.optionMissingArgument") throw error;
    const flag = argv.at(-1) ?? "";
    const found = flagged(declarations).find(([key, option]) =>
      [`--${nameOf(key, option)}`, `-${option.short}`].includes(flag),
    );
    throw valueMissing(flag, found?.[1], "nothing");
  }
}

function valueMissing(flag: string, option: Option | undefined, received: string): OptionError {
  return new OptionError({
    where: flag,
    expected: `a value (${option?.placeholder ?? "VALUE"})`,
    received,
  });
}

const flagged = (declarations: OptionDeclarations) =>
  Object.entries(declarations).filter(([, option]) => !option.positional);

export function commanderOption(key: string, option: Option, description = option.help): CommanderOption {
  const long = `--${nameOf(key, option)}`;
  const value =
    option.placeholder === undefined
      ? ""
      : option.many !== undefined && option.many.separator === undefined
        ? ` <${option.placeholder}...>`
        : ` <${option.placeholder}>`;
  const made = new CommanderOption(
    `${option.short === undefined ? "" : `-${option.short}, `}${long}${value}`,
    description,
  );
  return option.group === undefined ? made : made.helpGroup(option.group);
}
