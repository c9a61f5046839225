// MaxPool and GlobalMaxPool.   ONNX opset 12 (22 changes nothing here).
//
// Ties: the whole gradient goes to the first maximum of a window, in row-major order, as PyTorch's max_pool2d and
// adaptive_max_pool2d do it. (ReduceMax, which is PyTorch's amax, splits it evenly.)
//
// Gradient: the windows are laid out along a new axis by a Conv whose K kernels each pick one of the K positions, ArgMax finds the
// first maximum, and ConvTranspose with the same kernels puts dy back where it came from, adding up where windows overlap. Padding is
// the lowest float, so that it never wins against a finite element.
//
// ONNX Runtime's second output (Indices) would give the positions, but WebGPU does not have it. One core, milliseconds:
//
//                                              64x64x32x32, 2x2 stride 2    64x64x56x56, 3x3 stride 2
//     Indices and ScatterElements                        18.5                         69
//     Indices and MaxUnpool                              15.5               (windows overlap)
//     Slice, Equal, Where per position                   20.9                        172
//     Conv, ArgMax, ConvTranspose                        21.9                        106
import { elementCount, int, ints, type Tensor } from "../onnx/types.js";
import { cast, equal, first, pad, reshape, tensorOf, where } from "./expressions.js";
import { asPlanes, overlapAdd, pooledDims, poolWindows, positionKernels } from "./pooling.js";
import { operand, staticDims } from "./shapes.js";
import type { Expr, OperatorRule } from "./types.js";
import type { Windows } from "./windows.js";

const lowest = -3.4028234663852886e38;

/** dy [N, C, ...output] put to the first maximum of each window of x [N, C, ...input]. */
function toFirstMaximum(x: Expr, dy: Expr, windows: Windows): Expr {
  const { kernel, strides, dilations, begins, output } = windows;
  const planes = asPlanes(x);
  const count = elementCount(kernel);
  // A window may reach further than the padding when ceil_mode is set.
  const reach = windows.input.map((size, axis) => {
    const span = ((output[axis] as number) - 1) * (strides[axis] as number);
    const extent = (dilations[axis] as number) * ((kernel[axis] as number) - 1) + 1;
    return Math.max(0, span + extent - size - (begins[axis] as number));
  });
  const framed = pad(planes, [0, 0, ...begins, 0, 0, ...reach], lowest);
  const laidOut = first(
    x.builder.op("Conv", [framed, positionKernels(x, kernel)], { strides: ints(strides), dilations: ints(dilations) }),
  );
  const winner = first(x.builder.op("ArgMax", [laidOut], { axis: int(1) }));
  const positions = Array.from({ length: count }, (_, index) => index);
  const shape = [count, ...kernel.map(() => 1)];
  return reshape(
    overlapAdd(where(isAt(winner, tensorOf(positions, "float32", shape)), asPlanes(dy), 0), windows),
    staticDims(x, x.name),
  );
}

/** Where an index is that of the position. Compared as floats, as WebGPU compares no int64; they are exact below 2^24. */
const isAt = (index: Expr, positions: Tensor): Expr => equal(cast(index, "float32"), index.builder.constant(positions));

export const maxPools: readonly OperatorRule[] = [
  {
    op: "MaxPool",
    summary: {
      shape: "[N, C, ⌊(in + pads - dilation·(k - 1) - 1)/stride⌋ + 1, ...]; ⌈⌉ with ceil_mode",
      gradient: "dy to the first maximum of each window",
    },
    shape: (call) => {
      const dims = pooledDims(call);
      return [
        { dtype: operand(call, 0).dtype, dims },
        { dtype: "int64" as const, dims },
      ].slice(0, call.outputCount);
    },
    gradient: (call) => {
      const dy = call.outputGradients[0];
      return [dy && toFirstMaximum(call.inputs[0] as Expr, dy, poolWindows(call))];
    },
  },
  {
    op: "GlobalMaxPool",
    summary: { shape: "[N, C, 1, ...]", gradient: "dy to the first maximum of each channel" },
    shape: (call) => {
      const { dtype, dims } = operand(call, 0);
      return [{ dtype, dims: dims.map((dim, axis) => (axis < 2 ? dim : 1)) }];
    },
    gradient: (call) => {
      const x = call.inputs[0] as Expr;
      const [images, channels, ...spatial] = staticDims(x, call.where) as [number, number, ...number[]];
      const count = elementCount(spatial);
      const flat = reshape(x, [images, channels, count]);
      const winner = first(x.builder.op("ArgMax", [flat], { axis: int(2) }));
      const positions = tensorOf(Array.from({ length: count }, (_, index) => index));
      const dy = reshape(call.outputGradients[0] as Expr, [images, channels, 1]);
      return [reshape(where(isAt(winner, positions), dy, 0), [images, channels, ...spatial])];
    },
  },
];
