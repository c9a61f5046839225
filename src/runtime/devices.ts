import * as ort from "onnxruntime-node";
import { UnsupportedError } from "../errors.js";
import { encodeModel } from "../onnx/index.js";
import type { Model } from "../onnx/types.js";
import type { Device, Engine, EngineOptions } from "./types.js";
import { WorkerEngine } from "./worker-engine.js";

export const devices: readonly Device[] = ["cpu", "webgpu", "cuda"];

/** One node is enough to find out whether a provider loads: ONNX Runtime throws when it is missing, it does not fall back. */
const probe: Model = {
  graph: {
    name: "probe",
    inputs: [{ name: "x", dtype: "float32", dims: [1] }],
    outputs: [{ name: "y", dtype: "float32", dims: [1] }],
    nodes: [{ name: "probe", op: "Relu", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} }],
    initializers: new Map(),
  },
  opset: 18,
  imports: new Map([["", 18]]),
  irVersion: 8,
  producer: "offmap",
  metadata: new Map(),
};

/** Why a device cannot be used here, or undefined when it can. */
export async function whyUnavailable(device: Device): Promise<string | undefined> {
  if (device === "cpu") return undefined;
  // A provider that is missing also writes to standard error, in colour, unless the whole runtime is told not to.
  ort.env.logLevel = "fatal";
  try {
    const session = await ort.InferenceSession.create(encodeModel(probe), {
      executionProviders: [device],
      logSeverityLevel: 4,
    });
    await session.release();
    return undefined;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split("\n")[0];
  }
}

/**
 * An engine in a worker thread on the device asked for.
 *
 * @throws UnsupportedError when the device is not to be had on this machine
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const device = options.device ?? "cpu";
  const reason = await whyUnavailable(device);
  if (reason !== undefined) {
    throw new UnsupportedError({
      where: "--device",
      problem: `${device} is not available on this machine (${reason})`,
      hint: "use --device cpu",
    });
  }
  return new WorkerEngine(options);
}
