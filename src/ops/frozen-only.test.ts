import { expect, test } from "vitest";
import { checkShapes, constant, fed, type OperatorCase, randomTensor } from "../../test/gradients/index.js";
import { GraphBuilder } from "../graph/builder.js";
import { gradients } from "../graph/differentiate.js";
import { int, ints, type Tensor } from "../onnx/types.js";
import { first, sum, tensorOf } from "./expressions.js";

const bytes = (dims: number[], dtype: "uint8" | "int8" = "uint8"): Tensor =>
  tensorOf(
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, at) => at % 7),
    dtype,
    dims,
  );
const scale = constant(tensorOf(0.5));
const zero = constant(tensorOf(3, "uint8"));
const x = fed(randomTensor([2, 3, 4, 5], 1));

const cases: OperatorCase[] = [
  ...["Celu", "Shrink", "Hardmax", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh"].map(
    (op) => ({
      ...{ op, inputs: [x] },
    }),
  ),
  { op: "CumSum", inputs: [x, constant(tensorOf(1, "int64"))] },
  { op: "QuantizeLinear", inputs: [x, scale] },
  { op: "QuantizeLinear", inputs: [x, scale, constant(tensorOf(-3, "int8"))] },
  { op: "DequantizeLinear", inputs: [fed(bytes([2, 3])), scale, zero] },
  { op: "DynamicQuantizeLinear", inputs: [x], outputCount: 3 },
  { op: "MatMulInteger", inputs: [fed(bytes([2, 3, 4])), fed(bytes([4, 5]))] },
  {
    op: "QLinearMatMul",
    inputs: [fed(bytes([2, 3])), scale, zero, fed(bytes([3, 4])), scale, zero, scale, zero],
  },
  {
    op: "ConvInteger",
    inputs: [fed(bytes([2, 4, 5, 6])), fed(bytes([6, 2, 3, 3]))],
    attributes: { group: int(2), pads: ints([1, 0, 1, 0]), strides: ints([2, 1]) },
  },
  {
    op: "QLinearConv",
    inputs: [
      ...[fed(bytes([2, 3, 5, 6])), scale, zero, constant(bytes([4, 3, 3, 3])), scale, zero, scale, zero],
      constant(tensorOf([1, 2, 3, 4], "int32")),
    ],
    attributes: { dilations: ints([2, 1]), pads: ints([2, 2, 1, 1]) },
  },
  { op: "GridSample", inputs: [x, fed(randomTensor([2, 6, 7, 2], 2))] },
];

test.each(cases)("$op: the shapes and types that ONNX Runtime returns", async (one) => {
  await checkShapes(one);
});

test("nothing below them can be trained, and the error names the node", () => {
  const graph = new GraphBuilder();
  const w = graph.input("w", "float32", [3]);
  const loss = sum(first(graph.op("Celu", [w], {}, { name: "bent" })));
  expect(() => gradients(graph, loss, [w])).toThrow(
    'node "bent" (Celu): the operator has no gradient rule and lies between trained parameters and the loss; freeze below it',
  );
});
