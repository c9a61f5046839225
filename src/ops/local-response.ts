// LRN (opset 13): divides by what the neighbouring channels hold, as AlexNet and the first GoogLeNet do. With the sum W over the `size`
// channels around each,
//
//   y = x·s^-β,   s = bias + α/size·W x²:      dx = dy·s^-β - 2·α·β/size · x·Wᵀ( dy·y/s )
import { ShapeError } from "../errors.js";
import { formatDims } from "../onnx/types.js";
import { add, div, matMul, mul, pow, reshape, square, sub, tensorOf } from "./expressions.js";
import { operand, staticDims } from "./shapes.js";
import type { Expr, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";

function localResponseShape(call: ShapeCall): ValueType[] {
  const { dtype, dims } = operand(call, 0);
  if (dims.length < 3) {
    throw new ShapeError({ where: call.where, expected: "input [N, C, ...]", received: formatDims(dims) });
  }
  sizeOf(call);
  return [{ dtype, dims }];
}

function localResponseGradient(call: GradientCall): Expr[] {
  const [x, y, dy] = [call.inputs[0], call.outputs[0], call.outputGradients[0]] as [Expr, Expr, Expr];
  const { attributes, where } = call;
  const [alpha, beta] = [attributes.float("alpha", 1e-4), attributes.float("beta", 0.75)];
  const size = sizeOf(call);
  const dims = staticDims(x, where);
  const [images, channels] = dims as [number, number];
  const window = (transpose: boolean) =>
    x.builder.constant(tensorOf(around(channels, size, transpose), x.dtype, [channels, channels]));
  const summed = (values: Expr, transpose: boolean) =>
    reshape(matMul(window(transpose), reshape(values, [images, channels, -1])), dims);
  const s = add(mul(summed(square(x), false), alpha / size), attributes.float("bias", 1));
  const neighbours = summed(div(mul(dy, y), s), true);
  return [sub(mul(dy, pow(s, -beta)), mul(mul(x, neighbours), (2 * alpha * beta) / size))];
}

function sizeOf({ attributes, where }: Pick<ShapeCall, "attributes" | "where">): number {
  const size = attributes.int("size", 0);
  if (size >= 1) return size;
  throw new ShapeError({ where, expected: "a size ≥ 1", received: String(size) });
}

/** W [C, C] row by row, 1 for the channels from c - ⌊(size - 1)/2⌋ to c + ⌈(size - 1)/2⌉ of channel c; or Wᵀ. */
function around(channels: number, size: number, transpose: boolean): number[] {
  const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  return Array.from({ length: channels ** 2 }, (_, at) => {
    const [row, column] = [Math.floor(at / channels), at % channels];
    const offset = transpose ? row - column : column - row;
    return -before <= offset && offset <= after ? 1 : 0;
  });
}

export const localResponse: readonly OperatorRule[] = [
  {
    op: "LRN",
    summary: { shape: "that of x", gradient: "dy·s^-β - 2·α·β/size · x·Wᵀ(dy·y/s), W: sum over the channels around" },
    shape: localResponseShape,
    gradient: localResponseGradient,
  },
];
