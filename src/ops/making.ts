// Tensors made from shapes and numbers: Shape, Size, Constant, ConstantOfShape, Range, OneHot; and Dropout, which at inference makes nothing.
//   ONNX opset 13-22.
//
// Shapes, counts and constants depend on no parameter, so none of these has a gradient but Dropout.
import { FormatError, ShapeError, UnsupportedError } from "../errors.js";
import { type Dim, elementCount, formatDims, type Tensor } from "../onnx/types.js";
import { tensorOf } from "./expressions.js";
import { isComputable, tensorFrom, type Value, valuesOf } from "./fold.js";
import { constantIntegers, normalizeAxis, operand } from "./shapes.js";
import type { Expr, OperatorRule, ShapeCall, ValueType } from "./types.js";

/** Part of the shape that Shape returns; bounds are clamped, never an error. */
function selectedDims(call: ShapeCall): readonly Dim[] {
  const { dims } = operand(call, 0);
  const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + dims.length : at, 0), dims.length);
  const start = clamp(call.attributes.int("start", 0));
  return dims.slice(start, Math.max(start, clamp(call.attributes.int("end", dims.length))));
}

const known = (dims: readonly Dim[]): dims is readonly number[] => dims.every((dim) => typeof dim === "number");

const shapeRule: OperatorRule = {
  op: "Shape",
  summary: { shape: "[rank], int64", gradient: "none" },
  shape: (call) => [{ dtype: "int64", dims: [selectedDims(call).length] }],
  gradient: { none: "a shape is the same for every value" },
  foldsFromTypes: true,
  fold: (call) => {
    const dims = selectedDims(call);
    return known(dims) ? [tensorOf(dims, "int64")] : undefined;
  },
};

const sizeRule: OperatorRule = {
  op: "Size",
  summary: { shape: "scalar, int64", gradient: "none" },
  shape: (call) => {
    operand(call, 0);
    return [{ dtype: "int64", dims: [] }];
  },
  gradient: { none: "a size is the same for every value" },
  foldsFromTypes: true,
  fold: (call) => {
    const { dims } = operand(call, 0);
    return known(dims) ? [tensorOf(elementCount(dims), "int64")] : undefined;
  },
};

/** The value of a Constant node, which one of six attributes holds. */
function constantValue({ attributes, where }: ShapeCall): Tensor {
  if (attributes.has("value")) return attributes.tensor("value");
  if (attributes.has("value_float")) return tensorOf(attributes.float("value_float"));
  if (attributes.has("value_floats")) return tensorOf(attributes.floats("value_floats"));
  if (attributes.has("value_int")) return tensorOf(attributes.int("value_int"), "int64");
  if (attributes.has("value_ints")) return tensorOf(attributes.ints("value_ints"), "int64");
  if (attributes.has("value_string")) return { dtype: "string", dims: [], data: [attributes.string("value_string")] };
  throw new FormatError({
    where,
    expected: "one of the attributes value, value_float, value_floats, value_int, value_ints and value_string",
    received: Object.keys(attributes.all).join(", ") || "none",
  });
}

const constantRule: OperatorRule = {
  op: "Constant",
  summary: { shape: "that of the value", gradient: "none" },
  shape: (call) => [constantValue(call)],
  gradient: { none: "there is no operand" },
  foldsFromTypes: true,
  fold: (call) => [constantValue(call)],
};

/** The one element that ConstantOfShape repeats: a float32 zero unless given. */
function repeatedValue({ attributes, where }: ShapeCall): Tensor {
  const value = attributes.tensor("value", tensorOf([0]));
  if (value.data.length !== 1) {
    throw new ShapeError({ where, expected: "a value of one element", received: `shape ${formatDims(value.dims)}` });
  }
  return value;
}

function shapeGiven(call: ShapeCall): number[] {
  const dims = constantIntegers(call, 0, "shape");
  if (dims.some((size) => size < 0)) {
    throw new ShapeError({ where: call.where, expected: "sizes of 0 or more", received: formatDims(dims) });
  }
  return dims;
}

const constantOfShapeRule: OperatorRule = {
  op: "ConstantOfShape",
  summary: { shape: "the value of the operand", gradient: "none" },
  shape: (call) => [{ dtype: repeatedValue(call).dtype, dims: shapeGiven(call) }],
  gradient: { none: "the result is constant" },
  fold: (call) => {
    const value = repeatedValue(call);
    if (!isComputable(value.dtype)) return undefined;
    const dims = shapeGiven(call);
    const [element] = valuesOf(value) as [Value];
    return [tensorFrom(value.dtype, dims, new Array<Value>(elementCount(dims)).fill(element))];
  },
};

/** start, limit and delta of a Range, which must be known: they decide its length. */
function rangeValues(call: ShapeCall): { start: Value; delta: Value; count: number } {
  const [start, limit, delta] = ["start", "limit", "delta"].map((meaning, index) => {
    const { constant, dims } = operand(call, index);
    if (constant === undefined || constant.data.length !== 1) {
      throw new ShapeError({
        where: call.where,
        expected: `${meaning} to be one number that is known before the model runs`,
        received: constant === undefined ? "a value computed from the data" : `shape ${formatDims(dims)}`,
        hint: "export the model with fixed shapes, or freeze below this node",
      });
    }
    return valuesOf(constant)[0] as Value;
  }) as [Value, Value, Value];
  if (Number(delta) === 0) throw new ShapeError({ where: call.where, expected: "a step that is not 0", received: "0" });
  const span = typeof limit === "bigint" ? Number(limit - (start as bigint)) : limit - (start as number);
  return { start, delta, count: Math.max(0, Math.ceil(span / Number(delta))) };
}

const rangeRule: OperatorRule = {
  op: "Range",
  summary: { shape: "[⌈(limit - start)/delta⌉]", gradient: "none" },
  shape: (call) => [{ dtype: operand(call, 0).dtype, dims: [rangeValues(call).count] }],
  gradient: { none: "the operands must be constants" },
  fold: (call) => {
    const { start, delta, count } = rangeValues(call);
    const at = (index: number): Value =>
      typeof start === "bigint" ? start + BigInt(index) * (delta as bigint) : start + index * (delta as number);
    return [
      tensorFrom(
        operand(call, 0).dtype,
        [count],
        Array.from({ length: count }, (_, index) => at(index)),
      ),
    ];
  },
};

const oneHotRule: OperatorRule = {
  op: "OneHot",
  summary: { shape: "that of the indices with a new axis of `depth`", gradient: "none" },
  shape: (call) => {
    const [indices, values] = [operand(call, 0), operand(call, 2)];
    const [depth] = constantIntegers(call, 1, "depth");
    const axis = normalizeAxis(call.attributes.int("axis", -1), indices.dims.length + 1, call.where);
    if (depth === undefined || depth < 1) {
      throw new ShapeError({ where: call.where, expected: "a depth of 1 or more", received: String(depth) });
    }
    return [{ dtype: values.dtype, dims: indices.dims.toSpliced(axis, 0, depth) }];
  },
  gradient: { none: "the operands are indices and constants" },
};

/** Dropout at inference passes its input on; its mask is all true. */
const dropoutRule: OperatorRule = {
  op: "Dropout",
  summary: { shape: "that of x, and a bool mask", gradient: "dy (inference only)" },
  shape: (call) => {
    const { dtype, dims } = operand(call, 0);
    const training = call.inputs[2];
    if (training !== undefined && (training.constant === undefined || Number(training.constant.data[0]) !== 0)) {
      throw new UnsupportedError({
        where: call.where,
        problem: "Offmap runs Dropout in inference mode only",
        hint: "export the model in evaluation mode",
      });
    }
    const types: ValueType[] = [
      { dtype, dims },
      { dtype: "bool", dims },
    ];
    return types.slice(0, call.outputCount);
  },
  gradient: ({ outputGradients }) => [outputGradients[0] as Expr],
};

export const making: readonly OperatorRule[] = [
  shapeRule,
  sizeRule,
  constantRule,
  constantOfShapeRule,
  rangeRule,
  oneHotRule,
  dropoutRule,
];
