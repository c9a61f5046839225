/** What the process of a job tells its parent. */
import * as errors from "../../errors.js";

export type JobMessage =
  | { readonly kind: "start"; readonly title: string; readonly total: number; readonly unit: string }
  | { readonly kind: "update"; readonly done: number; readonly note?: string; readonly memory: number }
  | { readonly kind: "finish"; readonly note?: string }
  | { readonly kind: "warning"; readonly sentence: string }
  | { readonly kind: "done"; readonly memory: number }
  | { readonly kind: "failed"; readonly error: PackedError };

export interface PackedError {
  readonly name: string;
  readonly message: string;
  /** Of an Offmap error. */
  readonly details?: errors.ErrorDetails;
  /** Of the operating system. */
  readonly code?: string;
  readonly path?: string;
}

export function packError(thrown: unknown): PackedError {
  if (thrown instanceof errors.OffmapError) {
    const { cause: _cause, ...details } = thrown.details;
    return { name: thrown.name, message: thrown.message, details };
  }
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown) };
  const { name, message, code, path } = thrown as NodeJS.ErrnoException;
  return { name, message, ...(code === undefined ? {} : { code }), ...(path === undefined ? {} : { path }) };
}

const kinds = {
  FormatError: errors.FormatError,
  ShapeError: errors.ShapeError,
  GraphError: errors.GraphError,
  UnsupportedError: errors.UnsupportedError,
  DataError: errors.DataError,
  OptionError: errors.OptionError,
  RunError: errors.RunError,
  CancelledError: errors.CancelledError,
} as const;

/** The error again, of the class it had. */
export function unpackError({ name, message, details, code, path }: PackedError): Error {
  if (details !== undefined) return new (kinds[name as keyof typeof kinds] ?? errors.OffmapError)(details);
  return Object.assign(new Error(message), {
    ...(code === undefined ? {} : { code }),
    ...(path === undefined ? {} : { path }),
  });
}
