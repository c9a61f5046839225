// ConvTranspose.   ONNX opset 11, any number of spatial axes.
//
// It is the input gradient of a Conv with the same weight [C, O/group, ...], whose input has the size of y and whose output has the
// size of x. So dx is that Conv applied to dy, and dw is that Conv's weight gradient with dy as the input and x as the output gradient.
// The positions of y that no window reaches (output_padding, or an output_shape larger than needed) are left out by negative padding.
import { ShapeError } from "../errors.js";
import { type Dim, formatDims } from "../onnx/types.js";
import { biasGradient, correlate, weightGradient } from "./convolution.js";
import type { Convolution } from "./convolution-geometry.js";
import { operand } from "./shapes.js";
import type { Expr, OperatorRule, ShapeCall } from "./types.js";
import { autoPadOf, extentOf, padsOf, perAxis, spatialSizes, splitPadding } from "./windows.js";

type Call = Pick<ShapeCall, "inputs" | "attributes" | "where">;

function checkOperands(call: Call): { group: number; outputs: number } {
  const [x, w, bias] = [operand(call, 0), operand(call, 1), call.inputs[2]];
  const group = call.attributes.int("group", 1);
  const [channels, perGroup] = w.dims;
  const fits =
    x.dims.length >= 3 &&
    w.dims.length === x.dims.length &&
    typeof channels === "number" &&
    typeof perGroup === "number" &&
    (typeof x.dims[1] !== "number" || x.dims[1] === channels) &&
    group >= 1 &&
    channels % group === 0;
  if (!fits) {
    throw new ShapeError({
      where: call.where,
      expected: `input [N, C, ...] and weight [C, O/group, ...] of one rank, C divisible by the group, ${group}`,
      received: `input ${formatDims(x.dims)} and weight ${formatDims(w.dims)}`,
    });
  }
  const outputs = perGroup * group;
  if (bias !== undefined && (bias.dims.length !== 1 || bias.dims[0] !== outputs)) {
    throw new ShapeError({ where: call.where, expected: `a bias [${outputs}]`, received: formatDims(bias.dims) });
  }
  return { group, outputs };
}

/** The Conv that this call is the input gradient of. */
function transposedConvolution(call: Call, group: number): Convolution {
  const { attributes } = call;
  const output = spatialSizes(call, operand(call, 0).dims);
  const kernel = spatialSizes(call, operand(call, 1).dims);
  const axes = output.length;
  const strides = perAxis(call, "strides", axes, 1);
  const dilations = perAxis(call, "dilations", axes, 1);
  const added = perAxis(call, "output_padding", axes, 0, 0);
  const pads = padsOf(call, axes);
  const autoPad = autoPadOf(call);
  const wantedSizes = attributes.has("output_shape") ? perAxis(call, "output_shape", axes, 1) : undefined;
  const begins: number[] = [];
  const ends: number[] = [];
  const input = output.map((size, axis) => {
    const stride = strides[axis] as number;
    const reached = (size - 1) * stride + extentOf(kernel[axis] as number, dilations[axis] as number);
    const full = reached + (added[axis] as number);
    const same = autoPad === "SAME_UPPER" || autoPad === "SAME_LOWER" ? size * stride : undefined;
    let begin = autoPad === "NOTSET" ? (pads.begins[axis] as number) : 0;
    let result = full - begin - (autoPad === "NOTSET" ? (pads.ends[axis] as number) : 0);
    const wanted = wantedSizes?.[axis] ?? same;
    if (wanted !== undefined) {
      // Unlike in Conv, the odd element goes before the input unless SAME_UPPER is given.
      const total = Math.max(0, full - wanted);
      begin = splitPadding(total, autoPad === "SAME_UPPER" ? autoPad : "SAME_LOWER").begin;
      result = wantedSizes?.[axis] ?? full - total;
    }
    if (result < 1) {
      throw new ShapeError({
        where: call.where,
        expected: `padding smaller than the output, ${full} along spatial axis ${axis}`,
        received: String(full - result),
      });
    }
    begins.push(begin);
    ends.push(reached - begin - result);
    return result;
  });
  return { windows: { kernel, strides, dilations, begins, ends, input, output }, group };
}

export const convTranspose: readonly OperatorRule[] = [
  {
    op: "ConvTranspose",
    summary: {
      shape: "[N, O, stride·(in - 1) + output_padding + dilation·(k - 1) + 1 - pads, ...]",
      gradient: "x: Conv of dy with w; w: one product per tap; bias: sum of dy",
    },
    shape: (call) => {
      const { group, outputs } = checkOperands(call);
      const { dtype, dims } = operand(call, 0);
      const batch: Dim = dims[0] ?? 1;
      return [{ dtype, dims: [batch, outputs, ...transposedConvolution(call, group).windows.input] }];
    },
    gradient: (call) => {
      const [x, w] = call.inputs as [Expr, Expr];
      const dy = call.outputGradients[0] as Expr;
      const convolution = transposedConvolution(call, call.attributes.int("group", 1));
      return [
        call.wanted[0] ? correlate(dy, w, convolution) : undefined,
        call.wanted[1] ? weightGradient(dy, x, convolution) : undefined,
        call.wanted[2] ? biasGradient(dy) : undefined,
      ];
    },
  },
];
