// Functions of one operand, element by element.   ONNX opset 13 (Sin, Cos: 7; Round: 11; Erf: 13; Identity: 14).
//
// Where the derivative can be had from the output y, it is: y is already computed.
// Singular points, as PyTorch decides them: Abs has derivative 0 at 0; Sqrt has +∞ at 0; Log and Reciprocal follow IEEE division.
import { ShapeError } from "../errors.js";
import { cos, div, exp, mul, neg, sign, sin, square } from "./expressions.js";
import { foldElements, type Value } from "./fold.js";
import { operand } from "./shapes.js";
import type { Expr, FoldCall, NoGradient, OperatorRule, ShapeCall, ValueType } from "./types.js";

export function sameShape(call: ShapeCall): ValueType[] {
  const { dtype, dims } = operand(call, 0);
  return [{ dtype, dims }];
}

/** What an element-wise derivative is made from. */
type Derivative = (dy: Expr, at: { x: Expr; y: Expr }) => Expr;

const unaryRule = (
  op: string,
  gradient: string,
  rule: Derivative | NoGradient,
  fold?: (x: Value) => Value,
): OperatorRule => ({
  op,
  summary: { shape: "that of x", gradient },
  shape: sameShape,
  gradient:
    typeof rule === "function"
      ? ({ inputs, outputs, outputGradients }) => [
          rule(outputGradients[0] as Expr, { x: inputs[0] as Expr, y: outputs[0] as Expr }),
        ]
      : rule,
  ...(fold === undefined
    ? {}
    : { fold: (call: FoldCall) => foldElements(call, sameShape(call)[0] as ValueType, fold) }),
});

/** Functions that ONNX defines for floats, or that leave integers as they are. */
const ofFloat = (compute: (x: number) => number) => (x: Value) => (typeof x === "bigint" ? x : compute(x));
const step: NoGradient = { none: "a step function: its derivative is 0 wherever it exists" };

const notRule: OperatorRule = {
  op: "Not",
  summary: { shape: "that of x; bool", gradient: "none" },
  shape: (call) => {
    const { dtype } = operand(call, 0);
    if (dtype !== "bool") throw new ShapeError({ where: call.where, expected: "a bool operand", received: dtype });
    return sameShape(call);
  },
  gradient: { none: "the operand is a truth value" },
  fold: (call) => foldElements(call, sameShape(call)[0] as ValueType, (x) => 1 - (x as number)),
};

/** Identity passes values of every type, so that constants behind it stay known. */
const identityRule: OperatorRule = {
  op: "Identity",
  summary: { shape: "that of x", gradient: "dy" },
  shape: sameShape,
  gradient: ({ outputGradients }) => [outputGradients[0]],
  fold: ({ constants }) => (constants[0] === undefined ? undefined : [constants[0]]),
};

export const unary: readonly OperatorRule[] = [
  unaryRule(
    "Neg",
    "-dy",
    (dy) => neg(dy),
    (x) => -x,
  ),
  unaryRule(
    "Abs",
    "dy·sign(x)",
    (dy, { x }) => mul(dy, sign(x)),
    (x) => (x < 0 ? -x : x),
  ),
  unaryRule("Sqrt", "dy/(2y)", (dy, { y }) => div(dy, mul(y, 2)), ofFloat(Math.sqrt)),
  unaryRule("Exp", "dy·y", (dy, { y }) => mul(dy, y)),
  unaryRule("Log", "dy/x", (dy, { x }) => div(dy, x)),
  unaryRule(
    "Reciprocal",
    "-dy·y²",
    (dy, { y }) => neg(mul(dy, square(y))),
    ofFloat((x) => 1 / x),
  ),
  unaryRule("Sin", "dy·cos(x)", (dy, { x }) => mul(dy, cos(x))),
  unaryRule("Cos", "-dy·sin(x)", (dy, { x }) => neg(mul(dy, sin(x)))),
  unaryRule("Erf", "dy·2/√π·exp(-x²)", (dy, { x }) => mul(mul(dy, 2 / Math.sqrt(Math.PI)), exp(neg(square(x))))),
  unaryRule("Floor", "none", step, ofFloat(Math.floor)),
  unaryRule("Ceil", "none", step, ofFloat(Math.ceil)),
  unaryRule("Round", "none", step),
  unaryRule("Sign", "none", step),
  identityRule,
  notRule,
];
