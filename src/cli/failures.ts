/** From anything that was thrown to one sentence and an exit code. */
import { CancelledError, OffmapError } from "../errors.js";

export interface Failure {
  readonly sentence: string;
  /** 2 for input the user can correct, 1 for a failure on the way, 130 when the user asked to stop. */
  readonly exitCode: number;
  /** What `--json` prints on standard output. */
  readonly document: object;
}

/** What the shell reports for a program that ctrl-C ended: 128 plus the number of the signal. */
export const interruptedExitCode = 130;

export function describeFailure(thrown: unknown): Failure {
  const known = thrown instanceof OffmapError ? { kind: thrown.name, sentence: thrown.message } : foreign(thrown);
  const exitCode = thrown instanceof CancelledError ? interruptedExitCode : exitCodeOf(thrown);
  const sentence = oneLine(known.sentence);
  const { where, expected, received, problem, hint } = thrown instanceof OffmapError ? thrown.details : {};
  return {
    sentence,
    exitCode,
    document: {
      error: { kind: known.kind, message: sentence, exit_code: exitCode, where, expected, received, problem, hint },
    },
  };
}

function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof OffmapError) return thrown.exitCode;
  return systemErrors[codeOf(thrown)]?.exitCode ?? 1;
}

/** Errors of the operating system that a library let through. */
const systemErrors: Readonly<Record<string, { readonly problem: string; readonly exitCode: 1 | 2 }>> = {
  ENOENT: { problem: "there is no such file or folder; check the path", exitCode: 2 },
  EACCES: { problem: "access is not allowed; check the permissions or choose another place", exitCode: 2 },
  EPERM: { problem: "access is not allowed; check the permissions or choose another place", exitCode: 2 },
  EISDIR: { problem: "expected a file, got a folder; give the file inside it", exitCode: 2 },
  ENOTDIR: { problem: "part of the path is a file, not a folder; check the path", exitCode: 2 },
  EROFS: { problem: "the file system is read-only; choose another place", exitCode: 2 },
  ENOSPC: { problem: "the disk is full; free some space and repeat the command", exitCode: 1 },
  EDQUOT: { problem: "the disk quota is used up; free some space and repeat the command", exitCode: 1 },
  EMFILE: { problem: "too many files are open; raise the limit (ulimit -n) and repeat the command", exitCode: 1 },
  EPIPE: { problem: "the program that reads the output ended before everything was written", exitCode: 1 },
};

function foreign(thrown: unknown): { kind: string; sentence: string } {
  const known = systemErrors[codeOf(thrown)];
  if (known !== undefined) {
    const path = (thrown as NodeJS.ErrnoException).path ?? "standard output";
    return { kind: "SystemError", sentence: `${path}: ${known.problem}` };
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (/allocation failed|invalid array length|out of memory|bad_alloc|alloc failed/i.test(message)) {
    return {
      kind: "OutOfMemory",
      sentence: `not enough memory (${message}); try a smaller --batch, or fewer images with ?limit=N after the dataset`,
    };
  }
  return {
    kind: "UnexpectedError",
    sentence: `unexpected error: ${message}; repeat the command with OFFMAP_DEBUG=1 to see where, and please report it`,
  };
}

function codeOf(thrown: unknown): string {
  return (thrown instanceof Error && (thrown as NodeJS.ErrnoException).code) || "";
}

/** Text from files and file names on one line, without anything that a terminal would obey. */
export function oneLine(text: string): string {
  const escaped = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return text
    .trim()
    .replace(/\s*[\r\n]+\s*/g, " ")
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, escaped);
}
