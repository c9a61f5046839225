import { describe, expect, test } from "vitest";
import { runInMemory } from "../../test/cli/memory-host.js";
import { readArguments } from "./argument-parser.js";
import { commands } from "./commands/index.js";
import { commandLineOptions, outputOptions } from "./global-options.js";
import { nameOf, type OptionDeclarations } from "./option.js";
import { parseOptions } from "./raw-options.js";

describe.each(commands.map((command) => [command.name, command] as const))("offmap %s --help", (name, command) => {
  const declarations: OptionDeclarations = { ...command.options, ...outputOptions, ...commandLineOptions };

  test("names every option and every choice, on standard output, even where required options are missing", async () => {
    const { exitCode, stdout, stderr } = await runInMemory([name, "--help"]);
    expect(exitCode).toBe(0);
    expect(stderr).toBe("");
    for (const [key, option] of Object.entries(declarations)) {
      expect(stdout).toContain(option.positional ? option.placeholder : `--${nameOf(key, option)}`);
      const choices = option.placeholder === undefined ? [] : ((await option.parser.choices?.()) ?? []);
      for (const choice of choices) expect(stdout).toContain(choice);
    }
  });

  test("fits a terminal of 80 columns, examples aside", async () => {
    const { stdout } = await runInMemory([name, "--help"]);
    const [options = ""] = stdout.split("Examples:");
    for (const line of options.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  test.each(command.examples.map(({ line }) => [line]))("the example is valid: offmap %s", async (line) => {
    const words = [...(line.split(/ [|>] /)[0] ?? "").matchAll(/"([^"]*)"|(\S+)/g)].map(
      (match) => match[1] ?? match[2] ?? "",
    );
    expect(words[0]).toBe(name);
    const raw = readArguments(words.slice(1), command, declarations);
    // What an example leaves to its configuration file cannot be missed here.
    const filled = raw.has("config")
      ? Object.fromEntries(Object.entries(declarations).map(([key, option]) => [key, { ...option, required: false }]))
      : declarations;
    await parseOptions(raw, filled, name);
  });
});

test("offmap --help lists every command", async () => {
  const { exitCode, stdout } = await runInMemory(["--help"]);
  expect(exitCode).toBe(0);
  for (const { name, summary } of commands) expect(stdout).toContain(`${name.padEnd(9)}  ${summary}`);
});

test("offmap --version is the package's", async () => {
  const { default: manifest } = await import("../../package.json", { with: { type: "json" } });
  expect((await runInMemory(["--version"])).stdout).toBe(`${manifest.version}\n`);
});
