/** Gradients by central differences of a float64 forward pass. */
import type { Tensor } from "../../src/onnx/types.js";
import { feeds, forwardModel, inferTypes, outputName } from "./build.js";
import type { OperatorCase } from "./case.js";
import { numbersOf } from "./compare.js";
import { loadModel } from "./run-model.js";

/** Truncation error ~ step² and rounding error ~ 1e-16 / step are both near 1e-10 for values of order 1. */
const step = 1e-5;

/**
 * Gradient of `Σ_outputs sum(output · cotangent)` with respect to each differentiated input, float64; undefined for the others.
 */
export async function finiteDifferences(
  test: OperatorCase,
  cotangents: readonly (Tensor | undefined)[],
): Promise<(Tensor | undefined)[]> {
  const forward = await float64Forward(test);
  const loss = async (inputs: readonly (Tensor | undefined)[]) => {
    const outputs = await forward.run(inputs);
    let total = 0;
    outputs.forEach((output, index) => {
      const weights = cotangents[index];
      if (weights === undefined) return;
      const [values, factors] = [numbersOf(output), numbersOf(weights)];
      for (let at = 0; at < values.length; at++) total += (values[at] as number) * (factors[at] as number);
    });
    return total;
  };
  try {
    const inputs = test.inputs.map((x) => (x === undefined ? undefined : widen(x.tensor)));
    const results: (Tensor | undefined)[] = [];
    for (const [index, x] of test.inputs.entries()) {
      if (x?.role !== "differentiated") {
        results.push(undefined);
        continue;
      }
      const tensor = inputs[index] as Tensor;
      const gradient: number[] = [];
      for (const [at, value] of numbersOf(tensor).entries()) {
        const moved = (to: number) => {
          const data = Float64Array.from(tensor.data as Float64Array);
          data[at] = to;
          return inputs.map((other, i) => (i === index ? { ...tensor, data } : other));
        };
        const [high, low] = [value + step, value - step];
        gradient.push(((await loss(moved(high))) - (await loss(moved(low)))) / (high - low));
      }
      results.push({ dtype: "float64", dims: tensor.dims, data: Float64Array.from(gradient) });
    }
    return results;
  } finally {
    await forward.close();
  }
}

/** float32 tensors in float64, others as they are. */
export const widen = (tensor: Tensor): Tensor =>
  tensor.dtype === "float32" ? { ...tensor, dtype: "float64", data: Float64Array.from(numbersOf(tensor)) } : tensor;

async function float64Forward(test: OperatorCase) {
  const { forward, attributes = {} } = test;
  if (forward !== undefined) {
    return {
      run: async (inputs: readonly (Tensor | undefined)[]) => forward(inputs, attributes),
      close: async () => {},
    };
  }
  const wide: OperatorCase = {
    ...test,
    inputs: test.inputs.map((x) => (x === undefined ? undefined : { ...x, tensor: widen(x.tensor) })),
  };
  const types = inferTypes(wide);
  const session = await loadModel(forwardModel(wide, types)).catch((cause: unknown) => {
    throw new Error(`ONNX Runtime has no float64 ${test.op}: give the case a \`forward\``, { cause });
  });
  const names = types.map((_, index) => outputName(index));
  return {
    run: async (inputs: readonly (Tensor | undefined)[]) => {
      const moved = wide.inputs.map((x, index) =>
        x === undefined ? undefined : { ...x, tensor: inputs[index] as Tensor },
      );
      const outputs = await session.run(feeds({ ...wide, inputs: moved }));
      return names.map((name) => outputs.get(name) as Tensor);
    },
    close: () => session.close(),
  };
}
