/** Help texts, made from the declarations. */
import { Argument, Command as Commander } from "commander";
import { commanderOption } from "./argument-parser.js";
import type { Command } from "./command.js";
import { nameOf, type Option, type OptionDeclarations } from "./option.js";

/** Lines longer than this are hard to read, however wide the terminal. */
const widest = 110;

export async function commandHelp(
  command: Command,
  declarations: OptionDeclarations,
  columns: number,
): Promise<string> {
  const help = new Commander(`offmap ${command.name}`)
    .helpOption(false)
    .description(command.description)
    .configureHelp({ helpWidth: Math.min(columns, widest) });
  for (const [key, option] of Object.entries(declarations)) {
    const description = await describeOption(option);
    if (option.positional) {
      const dots = option.many === undefined ? "" : "...";
      help.addArgument(new Argument(`<${option.placeholder}${dots}>`, description));
    } else help.addOption(commanderOption(key, option, description));
  }
  const required = Object.entries(declarations)
    .filter(([, option]) => option.required && !option.positional)
    .map(([key, option]) => `--${nameOf(key, option)} ${option.placeholder}`);
  const positional = Object.values(declarations)
    .filter((option) => option.positional)
    .map((option) => `${option.placeholder}${option.many === undefined ? "" : "..."}`);
  help.usage([...positional, ...required, "[options]"].join(" "));
  const examples = command.examples.map(({ does, line }) => `  # ${does}\n  offmap ${line}`);
  return `${help.helpInformation()}\nExamples:\n${examples.join("\n\n")}\n`;
}

async function describeOption({ help, required, default: standard, parser, placeholder }: Option): Promise<string> {
  const choices = placeholder === undefined ? undefined : await parser.choices?.();
  const facts = [
    choices === undefined ? undefined : choices.join(" | "),
    required ? "required" : undefined,
    standard === undefined ? undefined : `default: ${standard}`,
  ].filter((fact) => fact !== undefined);
  return facts.length === 0 ? help : `${help} (${facts.join("; ")})`;
}

export function generalHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: offmap COMMAND [options]

Makes a trained ONNX image classifier know when it is off the map.

Commands:
${list.join("\n")}

Options:
  -h, --help     show this help; \`offmap COMMAND --help\` shows a command's
  -V, --version  show the version

Datasets are written KIND:PATH[?OPTION=VALUE&...], with KIND one of cifar, folder, list, idx, npy, sheet, or just as a path:
  cifar:test.bin   folder:photos?limit=2000&seed=1   "list:train.txt?root=images&long-tail=exp:0.01"   photos/
`;
}
