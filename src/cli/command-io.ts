import { type Progress, silent } from "../training/progress.js";
import { oneLine } from "./failures.js";
import type { Host } from "./host.js";
import { terminalProgress } from "./terminal-progress.js";

/** What a command can do besides calling the library. */
export interface CommandIo {
  readonly json: boolean;
  readonly progress: Progress;
  /** Aborted when the user asks to stop. */
  readonly signal: AbortSignal;
  /** Width to lay text out for. */
  readonly columns: number;
  /** Whether the text may be coloured. */
  readonly color: boolean;
  /** Prints a sentence on standard error. */
  warn(sentence: string): void;
  /**
   * Prints the result on standard output: with `--json` as one document, else as the text. To be called once, at the end.
   *
   * @param result  plain data, without typed arrays
   */
  write(result: object, text: () => string): Promise<void>;
}

const defaultColumns = 80;

export function commandIo(host: Host, { json, quiet }: { json: boolean; quiet: boolean }): CommandIo {
  const { stdout, stderr, signal, environment } = host;
  const progress = stderr.isTerminal && !quiet ? terminalProgress(stderr, () => performance.now()) : silent;
  return {
    json,
    progress,
    signal,
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
