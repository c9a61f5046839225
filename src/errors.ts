/**
 * The errors Offmap throws. An error is data first (where, what was expected, what was found, what to do); the sentence
 * is made here and nowhere else, and only the command line turns an error into an exit code.
 */

/** What an error knows. Every field is a phrase without a final full stop. */
export interface ErrorDetails {
  /** File, node, tensor or option the error is about, for example `node "layer3.0.conv1" (Conv)`. */
  readonly where?: string;
  /** What should have been there. */
  readonly expected?: string;
  /** What was there instead. */
  readonly received?: string;
  /** What the reader can do about it. */
  readonly hint?: string;
  /** The whole sentence, for errors that are not a mismatch between expected and received. */
  readonly problem?: string;
  readonly cause?: unknown;
}

function sentence({ where, expected, received, hint, problem }: ErrorDetails): string {
  const mismatch =
    expected === undefined
      ? undefined
      : received === undefined
        ? `expected ${expected}`
        : `expected ${expected}, got ${received}`;
  const what = [problem, mismatch].filter((part) => part !== undefined).join(": ");
  const located = where === undefined ? what : `${where}: ${what}`;
  return hint === undefined ? located : `${located}; ${hint}`;
}

/** Base of every error that Offmap throws on purpose. */
export class OffmapError extends Error {
  /** 2 for input the user can correct, 1 for a failure on the way. */
  readonly exitCode: 1 | 2 = 2;
  readonly details: ErrorDetails;

  constructor(details: ErrorDetails) {
    super(sentence(details), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.details = details;
  }
}

/** A file that is not what its name or its reader claims: truncated, corrupt, hostile or of another format. */
export class FormatError extends OffmapError {}
/** Two shapes or types that do not fit each other. */
export class ShapeError extends OffmapError {}
/** A graph that breaks ONNX's rules: cycles, missing tensors, two producers of one tensor. */
export class GraphError extends OffmapError {}
/** An operator, opset, device or data type that Offmap cannot handle. */
export class UnsupportedError extends OffmapError {}
/** A dataset that cannot serve its purpose: empty, unlabelled, wrong class count. */
export class DataError extends OffmapError {}
/** An option or configuration value outside its range. */
export class OptionError extends OffmapError {}
/** Something that went wrong while working: disk full, engine failure, a loss that became NaN. */
export class RunError extends OffmapError {
  override readonly exitCode = 1;
}
/** The user asked to stop; the work so far is saved. */
export class CancelledError extends OffmapError {
  override readonly exitCode = 1;
}
