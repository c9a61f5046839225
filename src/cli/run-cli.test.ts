import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CliOptions, runInMemory } from "../../test/cli/memory-host.js";
import { CancelledError, RunError } from "../errors.js";
import { type Command, defineCommand } from "./command.js";
import { toggle } from "./option.js";
import { integer, number, text } from "./parsers.js";

/** Prints what it was given, or does what the test asks for. */
function echo(act?: (io: Parameters<Command["run"]>[1]) => void | Promise<void>): Command {
  return defineCommand({
    name: "echo",
    summary: "Prints its options.",
    description: "For tests.",
    options: {
      files: { positional: true, many: {}, placeholder: "FILES", help: "files", parser: text("a path") },
      model: { placeholder: "FILE", required: true, help: "model", parser: text("a path") },
      learningRate: { flag: "lr", placeholder: "R", help: "rate", parser: number({ above: 0 }) },
      mIn: { placeholder: "E", help: "margin", parser: number() },
      ood: { placeholder: "DS", many: {}, help: "sets", parser: text("a dataset") },
      scores: { placeholder: "NAMES", many: { separator: "," }, help: "scores", parser: text("a score") },
      steps: { placeholder: "N", help: "steps", parser: integer({ min: 1 }) },
      noAugment: toggle("no crop"),
    },
    examples: [],
    async run(options, io) {
      await act?.(io);
      await io.write({ ...options }, () => "text");
    },
  }) as Command;
}

const run = (argv: readonly string[], options: CliOptions = {}) =>
  runInMemory(argv, { commands: [echo()], ...options });

const folder = await mkdtemp(join(tmpdir(), "offmap-cli-"));
let configs = 0;
async function config(content: string): Promise<string> {
  const path = join(folder, `${configs++}.yaml`);
  await writeFile(path, content);
  return path;
}

async function values(argv: readonly string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await run(["echo", "--json", ...argv]);
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
  return JSON.parse(stdout);
}

describe("arguments", () => {
  test("a switch takes no value, and says so in the document that it asks for", async () => {
    const { exitCode, stdout } = await run(["echo", "--model", "m", "--json=true"]);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('--json: expected nothing behind it, got \\"--json=true\\"; write --json');
  });

  test("help COMMAND is COMMAND --help", async () => {
    expect((await run(["help", "echo"])).stdout).toBe((await run(["echo", "--help"])).stdout);
    expect((await run(["help"])).stdout).toBe((await run(["--help"])).stdout);
  });

  test("values without a separator keep their spaces, as file names may have them", async () => {
    expect(await values([" a.png", "--model", "m"])).toMatchObject({ files: [" a.png"] });
  });

  test("values, negative ones too, repeated flags, lists, switches and files all arrive typed", async () => {
    expect(
      await values([
        "a.png",
        "--model=m.onnx",
        "--lr",
        "1e-3",
        "--m-in",
        "-23",
        "--ood",
        "x=1",
        "--ood",
        "y",
        "z",
        "--scores",
        "msp,energy",
        "--no-augment",
        "--",
        "-b.png",
      ]),
    ).toEqual({
      files: ["a.png", "-b.png"],
      model: "m.onnx",
      learningRate: 0.001,
      mIn: -23,
      ood: ["x=1", "y", "z"],
      scores: ["msp", "energy"],
      noAugment: true,
      json: true,
    });
  });

  test("what is not given is absent, so that the library's default counts", async () => {
    expect(await values(["--model", "m"])).toEqual({ model: "m", json: true });
  });

  test.each([
    [["echo", "--model", "m", "--mim", "3"], "echo: unknown flag --mim; did you mean --m-in?"],
    [["echo", "--model", "m", "--temperature=3"], "echo: unknown flag --temperature; see `offmap echo --help`"],
    [["echo", "--model"], "--model: expected a value (FILE), got nothing"],
    [["echo", "--model", "--lr", "3"], "--model: expected a value (FILE), got the flag --lr"],
    [["echo"], "echo: --model FILE is missing; add it, or see `offmap echo --help`"],
    [["echo", "--model", "m", "--lr", "0"], '--lr: expected a number above 0, got "0"'],
    [["ehco"], 'expected a command (echo), got "ehco"; did you mean echo?'],
    [[], "expected a command (echo), got none; see `offmap --help`"],
  ])("%j is refused in one sentence", async (argv, sentence) => {
    const { exitCode, stdout, stderr } = await run(argv);
    expect(stderr).toBe(`offmap: ${sentence}\n`);
    expect(stdout).toBe("");
    expect(exitCode).toBe(2);
  });
});

describe("the configuration file", () => {
  test("a flag wins over it, also where the option may be repeated", async () => {
    const path = await config("model: m\nlr: 0.5\nood: [a, b]\nsteps: 3\n");
    expect(await values(["--config", path, "--lr", "0.25", "--ood", "c"])).toEqual({
      model: "m",
      learningRate: 0.25,
      ood: ["c"],
      steps: 3,
      json: true,
    });
  });

  test("a value that a flag overrides is still checked", async () => {
    const path = await config("model: m\nlr: -1\n");
    const { exitCode, stderr } = await run(["echo", "--config", path, "--lr", "0.25"]);
    expect(stderr).toBe(`offmap: ${path}, line 2, column 5 (lr): expected a number above 0, got "-1"\n`);
    expect(exitCode).toBe(2);
  });

  test("false leaves a switch off", async () => {
    expect(await values(["--config", await config("model: m\nno-augment: false\n")])).toMatchObject({
      noAugment: false,
    });
  });

  test("json: true in it means the error comes as JSON too", async () => {
    const path = await config("json: true\nlr: 0\nmodel: m\n");
    const { stdout } = await run(["echo", "--config", path]);
    expect(JSON.parse(stdout)).toMatchObject({ error: { kind: "OptionError", exit_code: 2 } });
  });

  test("help and config are no keys: a file cannot include another", async () => {
    const { stderr } = await run(["echo", "--config", await config("config: other.yaml\n")]);
    expect(stderr).toContain('line 1, column 1: unknown option "config"');
  });
});

describe("--json", () => {
  test("standard output is one document and nothing else, also for an error", async () => {
    const { exitCode, stdout, stderr } = await run(["echo", "--json", "--model", "m", "--steps", "0"]);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        kind: "OptionError",
        message: '--steps: expected a whole number of at least 1, got "0"',
        exit_code: 2,
        where: "--steps",
        expected: "a whole number of at least 1",
        received: '"0"',
      },
    });
    expect(stderr).toBe('offmap: --steps: expected a whole number of at least 1, got "0"\n');
    expect(exitCode).toBe(2);
  });

  test("warnings and progress stay out of it", async () => {
    const chatty = echo((io) => {
      io.warn("accuracy\nfell");
      io.progress.start("Working", 2, "steps");
      io.progress.update(2);
      io.progress.finish();
    });
    const { stdout, stderr } = await run(["echo", "--json", "--model", "m"], { commands: [chatty], terminal: true });
    expect(JSON.parse(stdout)).toMatchObject({ model: "m" });
    expect(stderr).toContain("offmap: warning: accuracy fell\n");
    expect(stderr).toContain("Working");
  });
});

describe("progress", () => {
  const busy = echo((io) => {
    io.progress.start("Working", 2, "steps");
    io.progress.finish();
  });

  test("a pipe gets none", async () => {
    expect((await run(["echo", "--model", "m"], { commands: [busy] })).stderr).toBe("");
  });

  test("a terminal gets none with --quiet", async () => {
    const { stderr } = await run(["echo", "--model", "m", "-q"], { commands: [busy], terminal: true });
    expect(stderr).toBe("");
  });
});

describe("failures", () => {
  const failing = (error: unknown) =>
    echo(() => {
      throw error;
    });

  test("an expected failure is one line; the stack is for those who ask", async () => {
    const commands = [failing(new RunError({ problem: "the engine stopped", cause: new Error("inner") }))];
    const plain = await run(["echo", "--model", "m"], { commands });
    expect(plain).toEqual({ exitCode: 1, stdout: "", stderr: "offmap: the engine stopped\n" });
    const debug = await run(["echo", "--model", "m"], { commands, environment: { OFFMAP_DEBUG: "1" } });
    expect(debug.stderr).toContain("run-cli.test.ts");
    expect(debug.stderr).toContain("caused by Error: inner");
  });

  test("a bug is one line as well, with exit code 1", async () => {
    const { exitCode, stderr } = await run(["echo", "--model", "m"], { commands: [failing(new TypeError("oops"))] });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^offmap: unexpected error: oops; [^\n]*OFFMAP_DEBUG=1[^\n]*\n$/);
  });

  test("a stop on request is 130", async () => {
    const commands = [failing(new CancelledError({ problem: "stopped after step 3" }))];
    expect((await run(["echo", "--model", "m"], { commands })).exitCode).toBe(130);
  });

  test("a full disk behind standard output does not pass for success", async () => {
    const stdoutFailure = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const { exitCode, stderr } = await run(["echo", "--model", "m", "--json"], { stdoutFailure });
    expect(exitCode).toBe(1);
    expect(stderr).toBe("offmap: standard output: the disk is full; free some space and repeat the command\n");
  });
});
