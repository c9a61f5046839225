// Arithmetic on two operands that broadcast together: Add, Sub, Mul, Div.   ONNX opset 14.
//
// Broadcasting copies an operand along axes; its transpose sums along them, so every gradient ends with `sumTo`.
import { div, mul, neg, sumTo } from "./expressions.js";
import { broadcastDims, operand } from "./shapes.js";
import type { Expr, GradientRule, OperatorRule, ShapeCall, ValueType } from "./types.js";

function broadcastShape(call: ShapeCall): ValueType[] {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  return [{ dtype: a.dtype, dims: broadcastDims(a.dims, b.dims, call.where) }];
}

/** Rule for z = f(a, b) from the two partial derivatives times the output gradient, before broadcasting is undone. */
function binaryGradient(
  partials: (a: Expr, b: Expr, dz: Expr, z: Expr) => { da: () => Expr; db: () => Expr },
): GradientRule {
  return ({ inputs, outputs, outputGradients, wanted }) => {
    const [a, b] = inputs as [Expr, Expr];
    const dz = outputGradients[0] as Expr;
    const { da, db } = partials(a, b, dz, outputs[0] as Expr);
    return [wanted[0] ? sumTo(da(), a) : undefined, wanted[1] ? sumTo(db(), b) : undefined];
  };
}

const binaryRule = (op: string, gradient: string, rule: GradientRule): OperatorRule => ({
  op,
  summary: { shape: "broadcast of both operands", gradient },
  shape: broadcastShape,
  gradient: rule,
});

export const elementwise: readonly OperatorRule[] = [
  binaryRule(
    "Add",
    "dz to both",
    binaryGradient((_a, _b, dz) => ({ da: () => dz, db: () => dz })),
  ),
  binaryRule(
    "Sub",
    "dz, -dz",
    binaryGradient((_a, _b, dz) => ({ da: () => dz, db: () => neg(dz) })),
  ),
  binaryRule(
    "Mul",
    "dz·b, dz·a",
    binaryGradient((a, b, dz) => ({ da: () => mul(dz, b), db: () => mul(dz, a) })),
  ),
  binaryRule(
    "Div",
    "dz/b, -dz·z/b",
    binaryGradient((_a, b, dz, z) => ({ da: () => div(dz, b), db: () => neg(div(mul(dz, z), b)) })),
  ),
];
