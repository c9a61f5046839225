// AveragePool (opset 19), GlobalAveragePool and LpPool (opset 18).
//
// An average is linear, so the gradient spreads dy/count over each window and adds up where windows overlap. The count is a constant
// of the geometry: with count_include_pad the padding counts, but not what ceil_mode lets a window reach beyond it.
//
// Lp: y = (Σ |x|^p)^(1/p), dx = sign(x)·|x|^(p-1) · Σ_windows dy·y^(1-p), 0 where y = 0.
import { elementCount } from "../onnx/types.js";
import { abs, div, equal, expand, mul, pow, reshape, sign, tensorOf, where } from "./expressions.js";
import { asPlanes, overlapAdd, pooledDims, poolWindows } from "./pooling.js";
import { operand, staticDims } from "./shapes.js";
import type { Expr, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";
import type { Windows } from "./windows.js";

/** How many elements each window averages, by spatial position: sizes multiply, so one list per axis. */
function windowCounts(windows: Windows, includePad: boolean): number[][] {
  const { kernel, strides, dilations, begins, ends, input, output } = windows;
  return output.map((count, axis) =>
    Array.from({ length: count }, (_, at) => {
      const start = at * (strides[axis] as number) - (begins[axis] as number);
      const [low, high] = includePad
        ? [-(begins[axis] as number), (input[axis] as number) + (ends[axis] as number)]
        : [0, input[axis] as number];
      let inside = 0;
      for (let tap = 0; tap < (kernel[axis] as number); tap++) {
        const position = start + tap * (dilations[axis] as number);
        if (position >= low && position < high) inside++;
      }
      return inside;
    }),
  );
}

function averageGradient(call: GradientCall): Expr {
  const x = call.inputs[0] as Expr;
  const dy = call.outputGradients[0] as Expr;
  const windows = poolWindows(call);
  const counts = windowCounts(windows, call.attributes.int("count_include_pad", 0) === 1);
  const product = counts.reduce<number[]>((all, next) => all.flatMap((a) => next.map((b) => a * b)), [1]);
  const shares = product.map((count) => 1 / count);
  const uniform = shares.every((share) => share === shares[0]);
  const factor = uniform ? (shares[0] as number) : x.builder.constant(tensorOf(shares, x.dtype, windows.output));
  return spread(mul(dy, factor), x, windows);
}

/** dy added to every element of its window, in the shape of x. */
const spread = (dy: Expr, x: Expr, windows: Windows): Expr =>
  reshape(overlapAdd(asPlanes(dy), windows), staticDims(x, x.name));

const globalShape = (call: ShapeCall): ValueType[] => {
  const { dtype, dims } = operand(call, 0);
  return [{ dtype, dims: dims.map((dim, axis) => (axis < 2 ? dim : 1)) }];
};

const windowShape = (call: ShapeCall): ValueType[] => [{ dtype: operand(call, 0).dtype, dims: pooledDims(call) }];

function normGradient(call: GradientCall): Expr {
  const [x, y, dy] = [call.inputs[0], call.outputs[0], call.outputGradients[0]] as [Expr, Expr, Expr];
  const p = call.attributes.int("p", 2);
  const scaled = p === 1 ? dy : where(equal(y, 0), 0, div(dy, p === 2 ? y : pow(y, p - 1)));
  const slope = p === 1 ? sign(x) : p === 2 ? x : mul(sign(x), pow(abs(x), p - 1));
  return mul(slope, spread(scaled, x, poolWindows(call)));
}

export const averagePools: readonly OperatorRule[] = [
  {
    op: "AveragePool",
    summary: {
      shape: "[N, C, ⌊(in + pads - dilation·(k - 1) - 1)/stride⌋ + 1, ...]; ⌈⌉ with ceil_mode",
      gradient: "dy/count, spread over each window",
    },
    shape: windowShape,
    gradient: (call) => [averageGradient(call)],
  },
  {
    op: "GlobalAveragePool",
    summary: { shape: "[N, C, 1, ...]", gradient: "dy/(H·W), spread" },
    shape: globalShape,
    gradient: (call) => {
      const dims = staticDims(call.inputs[0] as Expr, call.where);
      return [expand(div(call.outputGradients[0] as Expr, elementCount(dims.slice(2))), dims)];
    },
  },
  {
    op: "LpPool",
    summary: {
      shape: "[N, C, ⌊(in + pads - dilation·(k - 1) - 1)/stride⌋ + 1, ...]; ⌈⌉ with ceil_mode",
      gradient: "sign(x)·|x|^(p-1) times dy·y^(1-p) spread over each window",
    },
    shape: windowShape,
    gradient: (call) => [normGradient(call)],
  },
];
