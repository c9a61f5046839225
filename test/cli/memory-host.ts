import { expect } from "vitest";
import type { Command } from "../../src/cli/command.js";
import { commands } from "../../src/cli/commands/index.js";
import type { Host, OutputStream } from "../../src/cli/host.js";
import { runCli } from "../../src/cli/run-cli.js";

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly commands?: readonly Command[];
  readonly environment?: Record<string, string>;
  readonly signal?: AbortSignal;
  /** Thrown by every write to standard output. */
  readonly stdoutFailure?: Error;
  /** Standard error is a terminal. */
  readonly terminal?: boolean;
}

/** Runs the command line inside the test's process. */
export async function runInMemory(argv: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const out: string[] = [];
  const err: string[] = [];
  const stream = (lines: string[], isTerminal: boolean, failure?: Error): OutputStream => ({
    isTerminal,
    columns: isTerminal ? 100 : undefined,
    async write(text) {
      if (failure !== undefined) throw failure;
      lines.push(text);
    },
  });
  const host: Host = {
    stdout: stream(out, false, options.stdoutFailure),
    stderr: stream(err, options.terminal ?? false),
    environment: options.environment ?? {},
    signal: options.signal ?? new AbortController().signal,
  };
  const exitCode = await runCli(argv, options.commands ?? commands, host);
  return { exitCode, stdout: out.join(""), stderr: err.join("") };
}

/** The document that a command prints with `--json`; nothing may go wrong. */
export async function json<Result>(...argv: string[]): Promise<Result> {
  return JSON.parse(await text(...argv, "--json")) as Result;
}

/** What a command prints; nothing may go wrong. */
export async function text(...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runInMemory(argv);
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
  return stdout;
}
