import type { Tensor, ValueInfo } from "../onnx/types.js";

/** Where graphs run. */
export type Device = "cpu" | "cuda" | "webgpu";

export interface EngineOptions {
  /** Default `cpu`. */
  readonly device?: Device;
  /** Threads for one operator; ONNX Runtime's own choice (one per physical core) when absent. */
  readonly threads?: number;
}

/** Values by tensor name. */
export type Feeds = Readonly<Record<string, Tensor>>;

export interface LoadOptions {
  /**
   * Outputs that replace engine variables instead of being returned, by the name of the variable: how parameters and momenta
   * go round without leaving the engine.
   */
  readonly updates?: Readonly<Record<string, string>>;
}

/** A graph that is ready to run. */
export interface Session {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /**
   * Runs the graph once. Inputs that are not fed are taken from the engine's variables of the same name. The buffers of
   * the feeds are handed over: do not use them afterwards.
   */
  run(feeds: Feeds): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** Runs graphs and keeps named variables between runs. */
export interface Engine {
  readonly device: Device;
  /** @param model  the bytes of an ONNX file */
  load(model: Uint8Array, options?: LoadOptions): Promise<Session>;
  /** Sets variables; the values are copied. */
  assign(variables: Feeds): Promise<void>;
  /** Copies of variables. */
  read(names: readonly string[]): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}
