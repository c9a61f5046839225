// Comparisons and logic, with bool results and no gradient.   ONNX opset 7-19.
import { ShapeError } from "../errors.js";
import type { DataType } from "../onnx/types.js";
import { foldElements, type Value } from "./fold.js";
import { broadcastDims, operand } from "./shapes.js";
import type { OperatorRule, ShapeCall, ValueType } from "./types.js";

const truth = { none: "the result is a truth value" };

function pairShape(call: ShapeCall, required?: DataType): ValueType[] {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  if (a.dtype !== b.dtype || (required !== undefined && a.dtype !== required)) {
    throw new ShapeError({
      where: call.where,
      expected: required === undefined ? "operands of one element type" : `two ${required} operands`,
      received: `${a.dtype} and ${b.dtype}`,
    });
  }
  return [{ dtype: "bool", dims: broadcastDims(a.dims, b.dims, call.where) }];
}

const pairRule = (op: string, holds: (a: Value, b: Value) => boolean, required?: DataType): OperatorRule => ({
  op,
  summary: { shape: "broadcast of both operands; bool", gradient: "none" },
  shape: (call) => pairShape(call, required),
  gradient: truth,
  fold: (call) =>
    foldElements(call, pairShape(call, required)[0] as ValueType, (a, b) => (holds(a as Value, b as Value) ? 1 : 0)),
});

const testRule = (op: string): OperatorRule => ({
  op,
  summary: { shape: "that of x; bool", gradient: "none" },
  shape: (call) => [{ dtype: "bool", dims: operand(call, 0).dims }],
  gradient: truth,
});

export const comparisons: readonly OperatorRule[] = [
  pairRule("Equal", (a, b) => a === b),
  pairRule("Greater", (a, b) => a > b),
  pairRule("GreaterOrEqual", (a, b) => a >= b),
  pairRule("Less", (a, b) => a < b),
  pairRule("LessOrEqual", (a, b) => a <= b),
  pairRule("And", (a, b) => a === 1 && b === 1, "bool"),
  pairRule("Or", (a, b) => a === 1 || b === 1, "bool"),
  pairRule("Xor", (a, b) => a !== b, "bool"),
  testRule("IsNaN"),
  testRule("IsInf"),
];
