import { type Progress, silent } from "../training/progress.js";
import { oneLine } from "./failures.js";
import type { Host, OutputStream } from "./host.js";
import { type ParallelProgress, parallelProgress, silentParallel } from "./parallel-progress.js";
import { terminalProgress } from "./terminal-progress.js";

/** What a command can do besides calling the library. */
export interface CommandIo {
  readonly json: boolean;
  readonly progress: Progress;
  /** Progress of several jobs at once, a line each. */
  parallel(): ParallelProgress;
  /** Aborted when the user asks to stop. */
  readonly signal: AbortSignal;
  readonly environment: Host["environment"];
  /** Width to lay text out for. */
  readonly columns: number;
  /** Whether the text may be coloured. */
  readonly color: boolean;
  /** Prints a sentence on standard error. */
  warn(sentence: string): void;
  /** The command did less than it was asked and has said so: its exit code is 1. */
  incomplete(): void;
  /**
   * Prints the result on standard output: with `--json` as one document, else as the text. To be called once, at the end.
   *
   * @param result  plain data, without typed arrays
   */
  write(result: object, text: () => string): Promise<void>;
}

const defaultColumns = 80;

/**
 * @param progress  the stream that progress is drawn on, see `shareStream`
 * @param exit      told the exit code of a command that did not do everything
 */
export function commandIo(
  host: Host,
  progress: OutputStream,
  { json, quiet }: { json: boolean; quiet: boolean },
  exit: (code: 1) => void,
): CommandIo {
  const { stdout, stderr, signal, environment } = host;
  const shows = stderr.isTerminal && !quiet;
  const now = () => performance.now();
  return {
    json,
    progress: shows ? terminalProgress(progress, now) : silent,
    parallel: () => (shows ? parallelProgress(progress, now) : silentParallel),
    signal,
    environment,
    incomplete: () => exit(1),
    columns: stdout.columns ?? defaultColumns,
    color: stdout.isTerminal && !environment.NO_COLOR && environment.TERM !== "dumb",
    warn(sentence) {
      // Losing a warning because standard error is closed must not end the work.
      stderr.write(`offmap: warning: ${oneLine(sentence)}\n`).catch(() => undefined);
    },
    async write(result, text) {
      const output = json ? JSON.stringify(result, null, 2) : text();
      await stdout.write(output.endsWith("\n") ? output : `${output}\n`);
    },
  };
}
