import * as ort from "onnxruntime-node";
import { RunError } from "../errors.js";
import type { DataType, Tensor, ValueInfo } from "../onnx/types.js";
import { fromOrt, toOrt } from "./ort-tensor.js";
import { sessionOptions } from "./session-options.js";
import type { Device, Engine, EngineOptions, Feeds, LoadOptions, Session } from "./types.js";

/**
 * ONNX Runtime in this thread. `run` blocks the thread it is called in, so programs use `createEngine`, which puts this
 * class into a worker; the worker and small tools use it directly.
 */
export class LocalEngine implements Engine {
  readonly device: Device;
  private readonly variables = new Map<string, ort.Tensor>();

  constructor(private readonly options: EngineOptions = {}) {
    this.device = options.device ?? "cpu";
  }

  async load(model: Uint8Array, { updates = {} }: LoadOptions = {}): Promise<Session> {
    let session: ort.InferenceSession;
    try {
      session = await ort.InferenceSession.create(model, sessionOptions(this.options));
    } catch (cause) {
      throw new RunError({ problem: `ONNX Runtime refused the model: ${reasonOf(cause)}`, cause });
    }
    return {
      inputs: session.inputMetadata.map(describe),
      outputs: session.outputMetadata.map(describe),
      run: (feeds) => this.run(session, feeds, updates),
      release: () => session.release(),
    };
  }

  async assign(variables: Feeds): Promise<void> {
    for (const [name, tensor] of Object.entries(variables)) {
      const copy = { ...tensor, data: tensor.data.slice() as Tensor["data"] };
      this.variables.set(name, toOrt(copy, name));
    }
  }

  async read(names: readonly string[]): Promise<Record<string, Tensor>> {
    const result: Record<string, Tensor> = {};
    for (const name of names) {
      const tensor = fromOrt(this.variable(name));
      result[name] = { ...tensor, data: tensor.data.slice() as Tensor["data"] };
    }
    return result;
  }

  async close(): Promise<void> {
    this.variables.clear();
  }

  private async run(
    session: ort.InferenceSession,
    feeds: Feeds,
    updates: Readonly<Record<string, string>>,
  ): Promise<Record<string, Tensor>> {
    const inputs: Record<string, ort.Tensor> = {};
    for (const name of session.inputNames) {
      const given = feeds[name];
      inputs[name] = given === undefined ? this.variable(name) : toOrt(given, name);
    }
    let outputs: ort.InferenceSession.OnnxValueMapType;
    try {
      outputs = await session.run(inputs);
    } catch (cause) {
      throw new RunError({ problem: `ONNX Runtime failed: ${reasonOf(cause)}`, cause });
    }
    const results: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries(outputs)) {
      const variable = updates[name];
      if (variable === undefined) results[name] = fromOrt(tensor as ort.Tensor);
      else this.variables.set(variable, tensor as ort.Tensor);
    }
    return results;
  }

  private variable(name: string): ort.Tensor {
    const tensor = this.variables.get(name);
    if (tensor === undefined) {
      throw new RunError({ where: `input "${name}"`, problem: "it was neither fed nor assigned as a variable" });
    }
    return tensor;
  }
}

function describe(metadata: ort.InferenceSession.ValueMetadata): ValueInfo {
  if (!metadata.isTensor) return { name: metadata.name, dtype: "other" };
  return {
    name: metadata.name,
    dtype: metadata.type as DataType,
    dims: metadata.shape.map((dim) => (dim === "" ? "?" : dim)),
  };
}

/** ONNX Runtime spreads a reason over several lines, without anything useful after the first few. */
function reasonOf(cause: unknown): string {
  const lines = (cause instanceof Error ? cause.message : String(cause)).split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .slice(0, 4)
    .join(" ");
}
