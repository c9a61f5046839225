/** The messages between a program and the worker its engine runs in. */
import type { ErrorDetails } from "../errors.js";
import type { Tensor, ValueInfo } from "../onnx/types.js";
import type { EngineOptions, Feeds, LoadOptions } from "./types.js";

export type Request =
  | { readonly kind: "load"; readonly model: Uint8Array; readonly options: LoadOptions }
  | { readonly kind: "run"; readonly session: number; readonly feeds: Feeds }
  | { readonly kind: "release"; readonly session: number }
  | { readonly kind: "assign"; readonly variables: Feeds }
  | { readonly kind: "read"; readonly names: readonly string[] };

export interface Envelope {
  readonly id: number;
  readonly request: Request;
}

export type Answer =
  | {
      readonly kind: "loaded";
      readonly session: number;
      readonly inputs: readonly ValueInfo[];
      readonly outputs: readonly ValueInfo[];
    }
  | { readonly kind: "values"; readonly values: Record<string, Tensor> }
  | { readonly kind: "done" };

export interface Reply {
  readonly id: number;
  readonly answer?: Answer;
  /** An error crosses as data; stack and class stay behind. */
  readonly error?: { readonly name: string; readonly details: ErrorDetails };
}

export interface WorkerData {
  readonly engine: EngineOptions;
}

/** Buffers that may be handed over rather than copied. Views of one buffer are listed once; strings have none. */
export function buffersOf(values: Feeds): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of Object.values(values)) {
    if (ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength) {
      buffers.add(data.buffer);
    }
  }
  return [...buffers];
}
