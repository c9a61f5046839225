/** The command line as a function: arguments in, exit code out. */
import { OptionError } from "../errors.js";
import { version } from "../version.js";
import { readArguments } from "./argument-parser.js";
import type { Command } from "./command.js";
import { commandIo } from "./command-io.js";
import { describeFailure } from "./failures.js";
import { commandLineOptions, outputOptions } from "./global-options.js";
import { commandHelp, generalHelp } from "./help.js";
import type { Host, OutputStream } from "./host.js";
import { nearest } from "./nearest.js";
import type { OptionValues } from "./option.js";
import { shareStream } from "./progress-line.js";
import { parseOptions, type RawOptions } from "./raw-options.js";

const defaultColumns = 80;

/**
 * Runs one command.
 *
 * @param argv  arguments after the program's name
 * @returns 0; 2 for input the user can correct; 1 for a failure on the way; 130 when the user stopped it
 */
export async function runCli(argv: readonly string[], commands: readonly Command[], host: Host): Promise<number> {
  // Known before anything can fail, so that the first complaint already comes as JSON.
  const request = { json: argv.some((text) => text === "--json" || text.startsWith("--json=")) };
  const { progress, sentences } = shareStream(host.stderr);
  const shared = { ...host, stderr: sentences };
  try {
    return await dispatch(argv, commands, shared, progress, request);
  } catch (error) {
    return await report(error, shared, request.json);
  }
}

async function dispatch(
  argv: readonly string[],
  commands: readonly Command[],
  host: Host,
  progress: OutputStream,
  request: { json: boolean },
): Promise<number> {
  const [name, ...rest] = argv;
  const print = async (text: string) => {
    await host.stdout.write(text);
    return 0;
  };
  if (name === "--version" || name === "-V") return print(`${version}\n`);
  const named = (text: string | undefined) => commands.find((candidate) => candidate.name === text);
  if (name === "help" && named(rest[0]) !== undefined) {
    return dispatch([rest[0] as string, "--help"], commands, host, progress, request);
  }
  if (name === "--help" || name === "-h" || name === "help") return print(generalHelp(commands));
  const command = named(name);
  if (command === undefined) throw unknownCommand(name, commands);

  const configurable = { ...command.options, ...outputOptions };
  const declarations = { ...configurable, ...commandLineOptions };
  const given = readArguments(rest, command, declarations);
  if (given.has("help")) {
    return print(await commandHelp(command, declarations, host.stdout.columns ?? defaultColumns));
  }
  const { config } = (await parseOptions(pick(given, "config"), commandLineOptions, command.name)) as {
    config?: string;
  };
  const configured: RawOptions = config === undefined ? new Map() : await readConfig(config, configurable);
  request.json ||= configured.get("json")?.[0]?.text === "true";
  // Everything in the file is checked, also what a flag overrides.
  await parseOptions(configured, optional(configurable), command.name);
  const values = await parseOptions(new Map([...configured, ...given]), configurable, command.name);
  request.json = values.json === true;
  let exitCode = 0;
  const io = commandIo(host, progress, { json: request.json, quiet: values.quiet === true }, (code) => {
    exitCode = code;
  });
  await command.run(values as OptionValues<Command["options"]>, io);
  return exitCode;
}

/** YAML is loaded only when there is a file to read. */
async function readConfig(path: string, declarations: Command["options"]): Promise<RawOptions> {
  const { readConfigFile } = await import("./config-file.js");
  return readConfigFile(path, declarations);
}

const pick = (raw: RawOptions, key: string): RawOptions => new Map([...raw].filter(([name]) => name === key));

const optional = (declarations: Command["options"]): Command["options"] =>
  Object.fromEntries(Object.entries(declarations).map(([key, option]) => [key, { ...option, required: false }]));

function unknownCommand(name: string | undefined, commands: readonly Command[]): OptionError {
  const names = commands.map((command) => command.name);
  const meant = name === undefined ? undefined : nearest(name, names);
  return new OptionError({
    expected: `a command (${names.join(", ")})`,
    received: name === undefined ? "none" : `"${name}"`,
    hint: meant === undefined ? "see `offmap --help`" : `did you mean ${meant}?`,
  });
}

async function report(error: unknown, { stdout, stderr, environment }: Host, json: boolean): Promise<number> {
  const { sentence, exitCode, document } = describeFailure(error);
  // Where an error cannot be shown, the exit code has to do.
  const ignore = () => undefined;
  await stderr.write(`offmap: ${sentence}\n`).catch(ignore);
  if (environment.OFFMAP_DEBUG && error instanceof Error) await stderr.write(`${stackOf(error)}\n`).catch(ignore);
  if (json) await stdout.write(`${JSON.stringify(document, null, 2)}\n`).catch(ignore);
  return exitCode;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
