import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { encodeModel } from "../../src/onnx/index.js";
import type { DataType, Model, Tensor, TensorData } from "../../src/onnx/types.js";

/** A model loaded by ONNX Runtime on the CPU. */
export interface LoadedModel {
  run(inputs: Readonly<Record<string, Tensor>>): Promise<Map<string, Tensor>>;
  close(): Promise<void>;
}

export async function loadModel(model: Model): Promise<LoadedModel> {
  // One thread: the tensors are tiny. Errors only: the shapes that graphs leave open would each give a warning.
  const session = await InferenceSession.create(encodeModel(model), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    executionProviders: ["cpu"],
  });
  return {
    async run(inputs) {
      const feeds = Object.entries(inputs).map(([name, tensor]) => [name, toRuntime(tensor)] as const);
      const results = await session.run(Object.fromEntries(feeds));
      return new Map(Object.entries(results).map(([name, value]) => [name, fromRuntime(value)]));
    },
    close: () => session.release(),
  };
}

/** Loads, runs once and closes. */
export async function runModel(model: Model, inputs: Readonly<Record<string, Tensor>>): Promise<Map<string, Tensor>> {
  const loaded = await loadModel(model);
  try {
    return await loaded.run(inputs);
  } finally {
    await loaded.close();
  }
}

function toRuntime({ dtype, data, dims }: Tensor): RuntimeTensor {
  return new RuntimeTensor(dtype as RuntimeTensor.Type, data as RuntimeTensor.DataType, dims);
}

function fromRuntime({ type, data, dims }: RuntimeTensor): Tensor {
  return { dtype: type as DataType, dims: [...dims], data: data as TensorData };
}
