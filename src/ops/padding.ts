// Pad.   ONNX opset 18 (19 adds wrap); pads and axes must be known, negative pads crop.
//
// Every output element is a copy of one input element or the constant, axis by axis, so the gradient collects what was copied.
//   constant: dy, padded back by the negated amounts; the constant gets the sum of dy in the margins.
//   edge, reflect, wrap: one axis after the other, dy times a 0/1 matrix that says of which input element each output element is a copy.
import { ShapeError } from "../errors.js";
import { type Dim, formatDims } from "../onnx/types.js";
import { pad, reshape, sub, sum } from "./expressions.js";
import { gatherTransposed } from "./separable.js";
import { constantIntegers, normalizeAxis, operand, staticDims } from "./shapes.js";
import type { Expr, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";

const modes = ["constant", "edge", "reflect", "wrap"] as const;
type Mode = (typeof modes)[number];

interface Padding {
  readonly mode: Mode;
  /** Elements added before and behind, one entry per axis of x; negative ones are cut off. */
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

function paddingOf(call: Pick<ShapeCall, "inputs" | "attributes" | "where">): Padding {
  const { dims } = operand(call, 0);
  const pads = constantIntegers(call, 1, "pads");
  const axes =
    call.inputs[3] === undefined
      ? dims.map((_, axis) => axis)
      : constantIntegers(call, 3, "axes").map((axis) => normalizeAxis(axis, dims.length, call.where));
  if (pads.length !== 2 * axes.length || new Set(axes).size !== axes.length) {
    throw new ShapeError({
      where: call.where,
      expected: `two pads for each of ${axes.length} different axes`,
      received: `${pads.length} pads`,
    });
  }
  const mode = call.attributes.string("mode", "constant") as Mode;
  if (!modes.includes(mode)) {
    throw new ShapeError({ where: call.where, expected: `mode to be one of ${modes.join(", ")}`, received: mode });
  }
  const begins = dims.map(() => 0);
  const ends = dims.map(() => 0);
  axes.forEach((axis, at) => {
    begins[axis] = pads[at] as number;
    ends[axis] = pads[at + axes.length] as number;
  });
  return { mode, begins, ends };
}

function padShape(call: ShapeCall): ValueType[] {
  const x = operand(call, 0);
  const { begins, ends } = paddingOf(call);
  const dims = x.dims.map((dim, axis): Dim => {
    const total = (begins[axis] as number) + (ends[axis] as number);
    if (begins[axis] === 0 && ends[axis] === 0) return dim;
    if (typeof dim !== "number" || dim + total < 0) {
      throw new ShapeError({
        where: call.where,
        expected: typeof dim === "number" ? `pads that leave something of axis ${axis}` : "padded axes of known size",
        received: `${formatDims(x.dims)} and ${begins[axis]}, ${ends[axis]} along axis ${axis}`,
      });
    }
    return dim + total;
  });
  return [{ dtype: x.dtype, dims }];
}

/** Position in an axis of `size` that output position `at` is a copy of. */
function sourceOf(mode: Exclude<Mode, "constant">, at: number, size: number): number {
  if (mode === "edge" || size === 1) return Math.min(Math.max(at, 0), size - 1);
  const period = mode === "wrap" ? size : 2 * size - 2;
  const folded = ((at % period) + period) % period;
  return folded < size ? folded : period - folded;
}

function padGradient(call: GradientCall): (Expr | undefined)[] {
  const [x, , value] = call.inputs as [Expr, Expr, Expr | undefined];
  const dy = call.outputGradients[0] as Expr;
  const { mode, begins, ends } = paddingOf(call);
  if (mode === "constant") {
    const dx = pad(
      dy,
      [...begins, ...ends].map((amount) => -amount),
    );
    // What dy has outside of x: the difference is exactly 0 inside, where two sums would leave their rounding.
    const outside = () => sub(dy, pad(dx, [...begins, ...ends]));
    return [
      call.wanted[0] ? dx : undefined,
      undefined,
      call.wanted[2] && value !== undefined ? reshape(sum(outside()), staticDims(value, call.where)) : undefined,
    ];
  }
  let dx = dy;
  staticDims(x, call.where).forEach((size, axis) => {
    const [begin, end] = [begins[axis] as number, ends[axis] as number];
    if (begin === 0 && end === 0) return;
    // ONNX crops first: a negative pad narrows what the other end reflects.
    const [from, to] = [Math.max(0, -begin), size - Math.max(0, -end)];
    const sources = Array.from({ length: size + begin + end }, (_, at) => {
      return from + sourceOf(mode, at - Math.max(0, begin), to - from);
    });
    dx = gatherTransposed(dx, axis, sources, size);
  });
  return [dx];
}

export const padding: readonly OperatorRule[] = [
  {
    op: "Pad",
    summary: {
      shape: "each padded axis grows by its two pads",
      gradient: "constant: dy cropped; other modes: dy times a 0/1 matrix per axis",
    },
    shape: padShape,
    gradient: padGradient,
  },
];
