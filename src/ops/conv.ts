// Conv.   ONNX opset 11, any number of spatial axes. The derivation and what was measured are in convolution.ts.
import { biasGradient, inputGradient, weightGradient } from "./convolution.js";
import { convolutionOf } from "./convolution-geometry.js";
import { operand } from "./shapes.js";
import type { Expr, OperatorRule } from "./types.js";

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
