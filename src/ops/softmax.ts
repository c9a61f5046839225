// Softmax and LogSoftmax along one axis.   ONNX opset 13.
//
//   y = softmax(x):      dx = y·(dy - Σ dy·y)
//   y = log softmax(x):  dx = dy - exp(y)·Σ dy
import { exp, mul, sub, sum } from "./expressions.js";
import { normalizeAxis, operand } from "./shapes.js";
import type { Expr, GradientCall, OperatorRule, ShapeCall } from "./types.js";

const axisOf = (call: Pick<ShapeCall, "inputs" | "attributes" | "where">): number =>
  normalizeAxis(call.attributes.int("axis", -1), operand(call, 0).dims.length, call.where);

const alongAxis = (op: string, gradient: string, rule: (y: Expr, dy: Expr, axis: number) => Expr): OperatorRule => ({
  op,
  summary: { shape: "that of x", gradient },
  shape: (call: ShapeCall) => {
    const { dtype, dims } = operand(call, 0);
    axisOf(call);
    return [{ dtype, dims }];
  },
  gradient: (call: GradientCall) => [rule(call.outputs[0] as Expr, call.outputGradients[0] as Expr, axisOf(call))],
});

export const softmaxes: readonly OperatorRule[] = [
  alongAxis("Softmax", "y·(dy - Σ dy·y)", (y, dy, axis) =>
    mul(y, sub(dy, sum(mul(dy, y), { axes: [axis], keep: true }))),
  ),
  alongAxis("LogSoftmax", "dy - exp(y)·Σ dy", (y, dy, axis) =>
    sub(dy, mul(exp(y), sum(dy, { axes: [axis], keep: true }))),
  ),
];
