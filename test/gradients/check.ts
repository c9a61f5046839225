/** The checks that every operator goes through. Each throws with the case in its message. */
import { GraphBuilder } from "../../src/graph/builder.js";
import type { Tensor } from "../../src/onnx/types.js";
import { feeds, fixedCotangents, forwardModel, gradientModel, gradientName, inferTypes, outputName } from "./build.js";
import { defaultTolerance, describeCase, type OperatorCase } from "./case.js";
import { expectTensor, numbersOf } from "./compare.js";
import { finiteDifferences, widen } from "./finite-differences.js";
import { runModel } from "./run-model.js";

/**
 * Compares a case with ONNX Runtime and with finite differences:
 * - the dims and element types that the shape rule infers are those of the tensors ONNX Runtime returns;
 * - the gradient graph loads and runs on the CPU, and its float32 gradients equal central differences of a float64 forward.
 *
 * A case without differentiated inputs is checked for its shapes only.
 */
export async function checkOperator(test: OperatorCase): Promise<void> {
  const label = describeCase(test);
  const tolerance = test.tolerance ?? defaultTolerance;
  const outputs = await checkShapes(test);
  if (test.forward !== undefined) {
    const reference = test.forward(
      test.inputs.map((x) => (x === undefined ? undefined : widen(x.tensor))),
      test.attributes ?? {},
    );
    outputs.forEach((output, index) => {
      expectTensor(
        widen(output),
        reference[index] as Tensor,
        tolerance,
        `forward of the test, output ${index}, ${label}`,
      );
    });
  }
  if (!test.inputs.some((x) => x?.role === "differentiated")) return;
  const cotangents = fixedCotangents(test, outputs);
  const expected = await finiteDifferences(test, cotangents);
  const results = await runModel(gradientModel(test), feeds(test, cotangents));
  test.inputs.forEach((x, index) => {
    if (x?.role !== "differentiated") return;
    const actual = results.get(gradientName(index));
    if (actual === undefined) throw new Error(`no gradient of input ${index}, ${label}`);
    if (actual.dtype !== x.tensor.dtype) throw new Error(`gradient of input ${index} is ${actual.dtype}, ${label}`);
    expectTensor(widen(actual), expected[index] as Tensor, tolerance, `gradient of input ${index}, ${label}`);
  });
}

/** Compares inferred dims and element types with ONNX Runtime's outputs, and returns those. */
export async function checkShapes(test: OperatorCase): Promise<Tensor[]> {
  const label = describeCase(test);
  const types = inferTypes(test);
  const results = await runModel(forwardModel(test, types), feeds(test));
  return types.map(({ dtype, dims }, index) => {
    const output = results.get(outputName(index)) as Tensor;
    if (output.dtype !== dtype || output.dims.join() !== dims.join()) {
      throw new Error(
        `output ${index} is ${output.dtype}[${output.dims.join(",")}], inferred ${dtype}[${dims.join(",")}], ${label}`,
      );
    }
    return output;
  });
}

/** Compares outputs and gradients with given ones, such as PyTorch's, also at points where finite differences say nothing. */
export async function checkValues(
  test: OperatorCase,
  reference: {
    readonly outputs: readonly Tensor[];
    readonly cotangents: readonly (Tensor | undefined)[];
    readonly gradients: readonly (Tensor | undefined)[];
  },
): Promise<void> {
  const label = describeCase(test);
  const tolerance = test.tolerance ?? defaultTolerance;
  const results = await runModel(gradientModel(test), feeds(test, reference.cotangents));
  reference.outputs.forEach((output, index) => {
    expectTensor(results.get(outputName(index)), output, tolerance, `output ${index}, ${label}`);
  });
  reference.gradients.forEach((gradient, index) => {
    if (gradient === undefined) return;
    expectTensor(results.get(gradientName(index)), gradient, tolerance, `gradient of input ${index}, ${label}`);
  });
}

/** With every input known, the operator must be computed while the graph is built, to exactly what ONNX Runtime computes. */
export async function checkFold(test: OperatorCase): Promise<void> {
  const label = describeCase(test);
  const graph = new GraphBuilder(test.opset);
  const outputs = graph.op(
    test.op,
    test.inputs.map((x) => (x === undefined ? undefined : graph.constant(x.tensor))),
    test.attributes,
    { outputs: test.outputCount ?? 1 },
  );
  const known: OperatorCase = {
    ...test,
    inputs: test.inputs.map((x) => (x === undefined ? undefined : { ...x, role: "constant" })),
  };
  const fedAll: OperatorCase = {
    ...test,
    inputs: test.inputs.map((x) => (x === undefined ? undefined : { ...x, role: "fed" })),
  };
  const results = await runModel(forwardModel(fedAll, inferTypes(known)), feeds(fedAll));
  outputs.forEach((output, index) => {
    if (output.constant === undefined) throw new Error(`output ${index} was not folded, ${label}`);
    const expected = results.get(outputName(index)) as Tensor;
    expectTensor(output.constant, expected, 1e-6, `folded output ${index}, ${label}`);
    // Numbers lose the low bits of large integers; the strings do not.
    const exact = (tensor: Tensor) => Array.from(tensor.data as BigInt64Array, String).join();
    if (expected.dtype === "int64" && exact(output.constant) !== exact(expected)) {
      throw new Error(`folded output ${index} is ${exact(output.constant)}, expected ${exact(expected)}, ${label}`);
    }
    if (numbersOf(output.constant).length !== numbersOf(expected).length) throw new Error(`element count, ${label}`);
  });
}
