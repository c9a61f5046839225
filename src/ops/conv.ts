// Conv.   ONNX opset 11, any number of spatial axes. The derivation and what was measured are in convolution.ts.
import { ShapeError } from "../errors.js";
import { formatDims } from "../onnx/types.js";
import { biasGradient, type Convolution, inputGradient, weightGradient } from "./convolution.js";
import { operand } from "./shapes.js";
import type { Expr, OperatorRule, ShapeCall } from "./types.js";
import { perAxis, spatialSizes, windowsOf } from "./windows.js";

type Call = Pick<ShapeCall, "inputs" | "attributes" | "where">;

/** Geometry of a call, after checking that input, weight and bias fit each other. */
export function convolutionOf(call: Call): Convolution {
  const [x, w, bias] = [operand(call, 0), operand(call, 1), call.inputs[2]];
  const group = call.attributes.int("group", 1);
  const axes = x.dims.length - 2;
  const [outputs, inputs] = w.dims;
  const fits =
    axes >= 1 &&
    group >= 1 &&
    w.dims.length === x.dims.length &&
    typeof outputs === "number" &&
    typeof inputs === "number" &&
    (typeof x.dims[1] !== "number" || x.dims[1] === inputs * group) &&
    outputs % group === 0;
  if (!fits) {
    throw new ShapeError({
      where: call.where,
      expected: `input [N, ${typeof inputs === "number" ? inputs * group : "C"}, ...] for weight ${formatDims(w.dims)} in ${group} group${group === 1 ? "" : "s"}`,
      received: `input ${formatDims(x.dims)}`,
      hint: "the model and the data disagree on the number of channels, or the weight does not divide into the groups",
    });
  }
  if (bias !== undefined && (bias.dims.length !== 1 || bias.dims[0] !== outputs)) {
    throw new ShapeError({ where: call.where, expected: `a bias [${outputs}]`, received: formatDims(bias.dims) });
  }
  const kernel = spatialSizes(call, w.dims);
  const declared = perAxis(call, "kernel_shape", axes, 1);
  if (call.attributes.has("kernel_shape") && declared.join() !== kernel.join()) {
    throw new ShapeError({
      where: call.where,
      expected: `kernel_shape ${formatDims(kernel)}, as the weight has`,
      received: formatDims(declared),
    });
  }
  return { windows: windowsOf(call, kernel, spatialSizes(call, x.dims)), group };
}

export const conv: readonly OperatorRule[] = [
  {
    op: "Conv",
    summary: {
      shape: "[N, O, ⌊(in + pads - dilation·(k - 1) - 1)/stride⌋ + 1, ...]",
      gradient:
        "x: Conv with w turned, ConvTranspose when strided; w: one product over flattened positions, or one per tap; bias: sum of dy",
    },
    shape: (call) => {
      const [x, w] = [operand(call, 0), operand(call, 1)];
      const { windows } = convolutionOf(call);
      return [{ dtype: x.dtype, dims: [x.dims[0] ?? 1, w.dims[0] ?? 1, ...windows.output] }];
    },
    gradient: (call) => {
      const [x, w] = call.inputs as [Expr, Expr];
      const dy = call.outputGradients[0] as Expr;
      const convolution = convolutionOf(call);
      return [
        call.wanted[0] ? inputGradient(dy, w, convolution) : undefined,
        call.wanted[1] ? weightGradient(x, dy, convolution) : undefined,
        call.wanted[2] ? biasGradient(dy) : undefined,
      ];
    },
  },
];
