// Operators that may occur in what is frozen: the shape and type of their outputs are known, and no gradient goes through them.
//
// Quantized networks (ONNX opset 10; QuantizeLinear and DequantizeLinear in blocks and 4 bits: 21), GridSample (16), and functions that
// networks have seldom. ONNX Runtime computes them; scores, thresholds and reports need no more, nor does training above them.
import { ShapeError } from "../errors.js";
import { dtypeOf } from "../onnx/element-types.js";
import { type DataType, type Dim, formatDims } from "../onnx/types.js";
import { convolutionOf } from "./convolution-geometry.js";
import { matMulShape } from "./matrix-products.js";
import { operand } from "./shapes.js";
import type { OperatorRule, ShapeCall, ValueType } from "./types.js";
import { sameShape } from "./unary.js";

const rule = (op: string, shape: string, infer: (call: ShapeCall) => ValueType[]): OperatorRule => ({
  op,
  summary: { shape, gradient: "none yet" },
  shape: infer,
  gradient: { missing: true },
});

const sameAsInput = [
  ...["Celu", "Shrink", "Hardmax", "CumSum"],
  ...["Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh"],
].map((op) => rule(op, "that of x", sameShape));

/** The operands that the operator names so, in place of all. */
const chosen = (call: ShapeCall, ...places: number[]): ShapeCall => ({
  ...call,
  inputs: places.map((place) => call.inputs[place]),
});

function convolved(call: ShapeCall, dtype: DataType): ValueType[] {
  const { windows } = convolutionOf(call);
  const [images, outputs] = [operand(call, 0).dims[0], operand(call, 1).dims[0]] as [Dim, Dim];
  return [{ dtype, dims: [images, outputs, ...windows.output] }];
}

function quantizedType(call: ShapeCall): DataType {
  const code = call.attributes.int("output_dtype", 0);
  return call.inputs[2]?.dtype ?? (code === 0 ? "uint8" : (dtypeOf(code) as DataType));
}

function sampled(call: ShapeCall): ValueType[] {
  const [x, grid] = [operand(call, 0), operand(call, 1)];
  if (x.dims.length < 3 || grid.dims.length !== x.dims.length) {
    const received = `${formatDims(x.dims)} and ${formatDims(grid.dims)}`;
    throw new ShapeError({ where: call.where, expected: "x [N, C, ...] and a grid [N, ..., axes]", received });
  }
  return [{ dtype: x.dtype, dims: [...x.dims.slice(0, 2), ...grid.dims.slice(1, -1)] }];
}

export const frozenOnly: readonly OperatorRule[] = [
  ...sameAsInput,
  rule("QuantizeLinear", "that of x, in the type of the zero point", (call) => [
    { dtype: quantizedType(call), dims: operand(call, 0).dims },
  ]),
  rule("DequantizeLinear", "that of x, in the type of the scale", (call) => [
    { dtype: operand(call, 1).dtype, dims: operand(call, 0).dims },
  ]),
  rule("DynamicQuantizeLinear", "that of x in uint8, a scale and a zero point", (call) => [
    { dtype: "uint8", dims: operand(call, 0).dims },
    { dtype: "float32", dims: [] },
    { dtype: "uint8", dims: [] },
  ]),
  rule("MatMulInteger", "that of MatMul; int32", (call) => [
    { dtype: "int32", dims: (matMulShape(chosen(call, 0, 1))[0] as ValueType).dims },
  ]),
  rule("QLinearMatMul", "that of MatMul, in the type of y's zero point", (call) => [
    { dtype: operand(call, 7).dtype, dims: (matMulShape(chosen(call, 0, 3))[0] as ValueType).dims },
  ]),
  rule("ConvInteger", "that of Conv; int32", (call) => convolved(chosen(call, 0, 1), "int32")),
  rule("QLinearConv", "that of Conv, in the type of y's zero point", (call) =>
    convolved(chosen(call, 0, 3, 8), operand(call, 7).dtype),
  ),
  rule("GridSample", "[N, C, ...] with the sizes of the grid", sampled),
];
