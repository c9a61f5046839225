// TopK.   ONNX opset 11 (24 changes nothing here).
//
// Gradient: dy goes back to where the values came from, as PyTorch's topk does it.
import { ShapeError } from "../errors.js";
import { formatDims } from "../onnx/types.js";
import { scatterAdd } from "./gathering.js";
import { constantIntegers, normalizeAxis, operand, staticDims } from "./shapes.js";
import type { Expr, OperatorRule, ShapeCall } from "./types.js";

function axisOf(call: Pick<ShapeCall, "inputs" | "attributes" | "where">): number {
  return normalizeAxis(call.attributes.int("axis", -1), operand(call, 0).dims.length, call.where);
}

export const topK: readonly OperatorRule[] = [
  {
    op: "TopK",
    summary: { shape: "k along the axis", gradient: "dy to where the values came from" },
    shape: (call) => {
      const { dtype, dims } = operand(call, 0);
      const axis = axisOf(call);
      const [k] = constantIntegers(call, 1, "k") as [number];
      const size = dims[axis];
      if (k < 0 || (typeof size === "number" && k > size)) {
        throw new ShapeError({
          where: call.where,
          expected: `at most ${size} largest of axis ${axis} of ${formatDims(dims)}`,
          received: String(k),
        });
      }
      const out = dims.with(axis, k);
      return [
        { dtype, dims: out },
        { dtype: "int64", dims: out },
      ];
    },
    gradient: (call) => {
      const dy = call.outputGradients[0];
      const dims = staticDims(call.inputs[0] as Expr, call.where);
      return [dy && scatterAdd(dims, call.outputs[1] as Expr, dy, axisOf(call))];
    },
  },
];
