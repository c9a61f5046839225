/** What a command line option is. Help, the configuration file and parsing all read the same declarations. */
import type { Parser } from "./parsers.js";

/** A declared option, or a positional argument. */
export interface Option<Value = unknown> {
  /** Long name without dashes where it is not the identifier in kebab-case: `lr` for `learningRate`. */
  readonly flag?: string;
  /** One letter, for the flags that every command has. */
  readonly short?: string;
  readonly help: string;
  /** Heading in the help; "Options" by default. */
  readonly group?: string;
  /** What stands for the value in the help, such as `FILE`; absent for a switch, which takes none. */
  readonly placeholder?: string;
  /** Taken from the place on the command line instead of a flag. */
  readonly positional?: boolean;
  readonly required?: boolean;
  /** May be given several times; with a separator, one text may hold several. The value is the list of all. */
  readonly many?: { readonly separator?: string };
  /** The default as the help shows it; applied by the library that the value is handed to. */
  readonly default?: string;
  readonly parser: Parser<Value>;
}

export type OptionDeclarations = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> =
  O["parser"] extends Parser<infer Value> ? (O extends { readonly many: object } ? readonly Value[] : Value) : never;

type RequiredKeys<D extends OptionDeclarations> = {
  [K in keyof D]: D[K] extends { readonly required: true } ? K : never;
}[keyof D];

/** What a command's `run` is given: required options are there, others may be absent. */
export type OptionValues<D extends OptionDeclarations> = {
  readonly [K in RequiredKeys<D>]: ValueOf<D[K]>;
} & {
  readonly [K in Exclude<keyof D, RequiredKeys<D>>]?: ValueOf<D[K]>;
};

/** The option's name in flags and in configuration files, without dashes. */
export function nameOf(key: string, option: Option): string {
  return option.flag ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A switch: on when given. */
export function toggle(help: string, more: { readonly short?: string; readonly group?: string } = {}) {
  return { ...more, help, parser: onOff } as const;
}

const onOff: Parser<boolean> = {
  choices: async () => ["true", "false"],
  async parse(text) {
    return text === "true";
  },
};
