import type { CommandIo } from "./command-io.js";
import type { OptionDeclarations, OptionValues } from "./option.js";

export interface Example {
  /** What it does, as a comment. */
  readonly does: string;
  /** Arguments after `offmap`. */
  readonly line: string;
}

/** A command is data and one function: parse nothing, call the library, write the result. */
export interface Command<Declarations extends OptionDeclarations = OptionDeclarations> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs for the help of the command. */
  readonly description: string;
  readonly options: Declarations;
  readonly examples: readonly Example[];
  run(options: OptionValues<Declarations>, io: CommandIo): Promise<void>;
}

export function defineCommand<const Declarations extends OptionDeclarations>(
  command: Command<Declarations>,
): Command<Declarations> {
  return command;
}
