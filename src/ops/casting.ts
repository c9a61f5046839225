// Conversion between element types: Cast (opset 13), CastLike (opset 15).
//
// Between floats the derivative is 1, so dy goes back in the type of x. A cast to or from integers or booleans is a step: no gradient.
import { UnsupportedError } from "../errors.js";
import { dtypeOf } from "../onnx/element-types.js";
import type { DataType } from "../onnx/types.js";
import { cast } from "./expressions.js";
import { foldElements, isFloat, isInteger, type Value } from "./fold.js";
import { operand } from "./shapes.js";
import type { Expr, FoldCall, OperatorRule, ShapeCall } from "./types.js";

const differentiable: readonly DataType[] = ["float32", "float64", "float16", "bfloat16"];

const castRule = (op: string, shape: string, target: (call: ShapeCall) => DataType): OperatorRule => {
  const infer = (call: ShapeCall) => ({ dtype: target(call), dims: operand(call, 0).dims });
  return {
    op,
    summary: { shape, gradient: "dy cast back, between float types" },
    shape: (call) => [infer(call)],
    gradient: ({ inputs, outputs, outputGradients }) => {
      const [x, y] = [inputs[0] as Expr, outputs[0] as Expr];
      const passes = differentiable.includes(x.dtype) && differentiable.includes(y.dtype);
      return [passes ? cast(outputGradients[0] as Expr, x.dtype) : undefined];
    },
    fold: (call: FoldCall) => {
      const { dtype, dims } = infer(call);
      return foldElements({ ...call, constants: [call.constants[0]] }, { dtype, dims }, (x) =>
        convert(x as Value, dtype),
      );
    },
  };
};

/** One element in another type; undefined where ONNX leaves the result open (NaN or a number too large to an integer). */
function convert(x: Value, dtype: DataType): Value | undefined {
  if (dtype === "bool") return Number(x) === 0 ? 0 : 1;
  if (isFloat(dtype) || typeof x === "bigint") return x;
  const limit = dtype.endsWith("64") ? 2 ** 63 : 2 ** 31;
  if (!isInteger(dtype) || !(Math.abs(x) < limit)) return undefined;
  return BigInt(Math.trunc(x));
}

export const casting: readonly OperatorRule[] = [
  castRule("Cast", "that of x, in type `to`", ({ attributes, where }) => {
    const code = attributes.int("to");
    const dtype = dtypeOf(code);
    if (dtype === "other") {
      throw new UnsupportedError({
        where,
        expected: "a cast to a type of 16 bits or more",
        received: `type code ${code}`,
      });
    }
    return dtype;
  }),
  castRule("CastLike", "that of x, in the type of the second operand", (call) => operand(call, 1).dtype),
];
