/**
 * The language that losses, scores and gradients are written in: functions from expressions to expressions, one ONNX node
 * each. A plain number stands for a scalar constant of the other operand's type. Shapes broadcast as in ONNX.
 */
import { ShapeError } from "../errors.js";
import { toInt64 } from "../onnx/int64.js";
import {
  type Attributes,
  type DataType,
  elementCount,
  int,
  ints,
  type Tensor,
  type TensorData,
} from "../onnx/types.js";
import { arrays } from "./arrays.js";
import { sameDims, staticDims } from "./shapes.js";
import type { Builder, Expr } from "./types.js";

/** An expression, or a number that becomes a scalar constant. */
export type Operand = Expr | number;

/** A tensor from plain numbers; scalar when `dims` is empty (the default for one value given as a number). */
export function tensorOf(
  values: number | readonly number[],
  dtype: DataType = "float32",
  dims?: readonly number[],
): Tensor {
  const list = typeof values === "number" ? [values] : values;
  const shape = dims ?? (typeof values === "number" ? [] : [values.length]);
  let data: TensorData;
  if (dtype === "int64") data = BigInt64Array.from(list, (value) => toInt64(Math.trunc(value)));
  else if (dtype === "uint64") data = BigUint64Array.from(list, (value) => BigInt(Math.trunc(value)));
  else if (dtype in arrays) data = arrays[dtype as keyof typeof arrays].from(list);
  else throw new ShapeError({ expected: "a numeric data type", received: dtype });
  if (elementCount(shape) !== list.length) {
    throw new ShapeError({
      expected: `${elementCount(shape)} values for [${shape.join(", ")}]`,
      received: String(list.length),
    });
  }
  return { dtype, dims: shape, data };
}

/** A one-dimensional int64 constant, as axes and shapes are given to ONNX operators. */
export function integers(builder: Builder, values: readonly number[]): Expr {
  return builder.constant(tensorOf(values, "int64", [values.length]));
}

/** A scalar constant. */
export function scalar(builder: Builder, value: number, dtype: DataType = "float32"): Expr {
  return builder.constant(tensorOf(value, dtype));
}

function unary(type: string, x: Expr): Expr {
  return first(x.builder.op(type, [x]));
}

function binary(type: string, a: Operand, b: Operand): Expr {
  if (typeof a === "number" && typeof b === "number") {
    throw new ShapeError({ expected: "an expression on at least one side", received: "two numbers" });
  }
  const like = typeof a === "number" ? (b as Expr) : a;
  const lift = (value: Operand) => (typeof value === "number" ? scalar(like.builder, value, like.dtype) : value);
  return first(like.builder.op(type, [lift(a), lift(b)]));
}

/** The first output of a call; every operator has one. */
export function first(outputs: readonly Expr[]): Expr {
  const value = outputs[0];
  if (value === undefined) throw new ShapeError({ expected: "an operator with an output", received: "none" });
  return value;
}

const isNumber = (value: Operand, of: number) => value === of;

// Sums and products drop neutral numbers, so that generic rules leave no trace of a factor 1 or a term 0.
export const add = (a: Operand, b: Operand): Expr =>
  isNumber(b, 0) ? (a as Expr) : isNumber(a, 0) ? (b as Expr) : binary("Add", a, b);
export const sub = (a: Operand, b: Operand): Expr => (isNumber(b, 0) ? (a as Expr) : binary("Sub", a, b));
export const mul = (a: Operand, b: Operand): Expr =>
  isNumber(b, 1) ? (a as Expr) : isNumber(a, 1) ? (b as Expr) : binary("Mul", a, b);
export const div = (a: Operand, b: Operand): Expr => (isNumber(b, 1) ? (a as Expr) : binary("Div", a, b));
export const pow = (a: Operand, b: Operand): Expr => binary("Pow", a, b);
export const maximum = (a: Operand, b: Operand): Expr => binary("Max", a, b);
export const minimum = (a: Operand, b: Operand): Expr => binary("Min", a, b);
/** Element-wise comparisons; boolean results. */
export const greater = (a: Operand, b: Operand): Expr => binary("Greater", a, b);
export const less = (a: Operand, b: Operand): Expr => binary("Less", a, b);
export const greaterOrEqual = (a: Operand, b: Operand): Expr => binary("GreaterOrEqual", a, b);
export const lessOrEqual = (a: Operand, b: Operand): Expr => binary("LessOrEqual", a, b);
export const equal = (a: Operand, b: Operand): Expr => binary("Equal", a, b);
export const and = (a: Expr, b: Expr): Expr => binary("And", a, b);
export const not = (x: Expr): Expr => unary("Not", x);

export const neg = (x: Expr): Expr => unary("Neg", x);
/** x under another name. */
export const identity = (x: Expr): Expr => unary("Identity", x);
export const abs = (x: Expr): Expr => unary("Abs", x);
export const sign = (x: Expr): Expr => unary("Sign", x);
export const exp = (x: Expr): Expr => unary("Exp", x);
export const log = (x: Expr): Expr => unary("Log", x);
export const sqrt = (x: Expr): Expr => unary("Sqrt", x);
export const sin = (x: Expr): Expr => unary("Sin", x);
export const cos = (x: Expr): Expr => unary("Cos", x);
/** To the nearest integer, halves to the even one. */
export const round = (x: Expr): Expr => unary("Round", x);
export const reciprocal = (x: Expr): Expr => unary("Reciprocal", x);
export const sigmoid = (x: Expr): Expr => unary("Sigmoid", x);
export const tanh = (x: Expr): Expr => unary("Tanh", x);
export const erf = (x: Expr): Expr => unary("Erf", x);
/** ln(1 + exp(x)) */
export const softplus = (x: Expr): Expr => unary("Softplus", x);
export const relu = (x: Expr): Expr => unary("Relu", x);
export const square = (x: Expr): Expr => mul(x, x);

/** `condition ? a : b`, element by element. */
export function where(condition: Expr, a: Operand, b: Operand): Expr {
  const like = typeof a !== "number" ? a : typeof b !== "number" ? b : undefined;
  const lift = (value: Operand) =>
    typeof value === "number" ? scalar(condition.builder, value, like?.dtype ?? "float32") : value;
  return first(condition.builder.op("Where", [condition, lift(a), lift(b)]));
}

/** 1 where the condition holds and 0 elsewhere, in the given type. */
export const indicator = (condition: Expr, dtype: DataType = "float32"): Expr => cast(condition, dtype);

export function cast(x: Expr, dtype: DataType): Expr {
  const codes: Partial<Record<DataType, number>> = {
    float32: 1,
    uint8: 2,
    int8: 3,
    uint16: 4,
    int16: 5,
    int32: 6,
    int64: 7,
    string: 8,
    bool: 9,
    float16: 10,
    float64: 11,
    uint32: 12,
    uint64: 13,
    bfloat16: 16,
  }; // prettier-ignore
  if (x.dtype === dtype) return x;
  const to = codes[dtype];
  if (to === undefined) throw new ShapeError({ expected: "an element type to cast to", received: dtype });
  return first(x.builder.op("Cast", [x], { to: int(to) }));
}

/**
 * exp(x) / Σ exp(x) along an axis. Where it is not the last one the operator would transpose x twice: for [4, 11, 180, 240] it takes 44 ms on one
 * core, and these steps, which `logSoftmax` and `logSumExp` share, 2 ms.
 */
export function softmax(x: Expr, axis = 1): Expr {
  if (axis === x.dims.length - 1) return first(x.builder.op("Softmax", [x], { axis: int(axis) }));
  const along = { axes: [axis], keep: true };
  const powers = exp(sub(x, reduceMax(x, along)));
  const y = div(powers, sum(powers, along));
  const [result] = x.builder.withGradient(
    [x],
    () => [y],
    ([dy]) => [dy && mul(y, sub(dy, sum(mul(dy, y), along)))],
  ) as [Expr];
  return result;
}

/** log softmax(x). Not the operator LogSoftmax, which WebGPU lacks. Its gradient: dy - softmax(x)·Σ dy. */
export function logSoftmax(x: Expr, axis = 1): Expr {
  const along = { axes: [axis], keep: true };
  const below = sub(x, reduceMax(x, along));
  const y = sub(below, log(sum(exp(below), along)));
  const [result] = x.builder.withGradient(
    [x],
    () => [y],
    ([dy]) => [dy && sub(dy, mul(exp(y), sum(dy, along)))],
  ) as [Expr];
  return result;
}

/** Reductions: over all axes when none are given. The reduced axes stay with size 1 when `keep` is set. */
export interface ReduceOptions {
  readonly axes?: readonly number[];
  readonly keep?: boolean;
}

function reduce(type: string, x: Expr, { axes, keep = false }: ReduceOptions): Expr {
  if (axes !== undefined && axes.length === 0) return x;
  const inputs = axes === undefined ? [x] : [x, integers(x.builder, axes)];
  return first(x.builder.op(type, inputs, { keepdims: int(keep ? 1 : 0) }));
}

export const sum = (x: Expr, options: ReduceOptions = {}): Expr => reduce("ReduceSum", x, options);
export const mean = (x: Expr, options: ReduceOptions = {}): Expr => reduce("ReduceMean", x, options);
export const reduceMax = (x: Expr, options: ReduceOptions = {}): Expr => reduce("ReduceMax", x, options);
export const reduceMin = (x: Expr, options: ReduceOptions = {}): Expr => reduce("ReduceMin", x, options);
export const reduceProd = (x: Expr, options: ReduceOptions = {}): Expr => reduce("ReduceProd", x, options);
/**
 * log Σ exp over the axes, with the maximum subtracted first. ReduceLogSumExp says the same, but on WebGPU it overflows from 89 on. Finite x.
 */
export function logSumExp(x: Expr, { axes, keep = false }: ReduceOptions & { readonly axes: readonly number[] }): Expr {
  const top = reduceMax(x, { axes, keep: true });
  const kept = add(log(sum(exp(sub(x, top)), { axes, keep: true })), top);
  const [result] = x.builder.withGradient(
    [x],
    () => [keep ? kept : squeeze(kept, axes)],
    ([dy]) => [dy && mul(keep ? dy : unsqueeze(dy, axes), exp(sub(x, kept)))],
  ) as [Expr];
  return result;
}

export const matMul = (a: Expr, b: Expr): Expr => binary("MatMul", a, b);

export function reshape(x: Expr, dims: readonly number[]): Expr {
  if (sameDims(x.dims, dims)) return x;
  // A size of 0 would otherwise mean "copy the input's dimension".
  const attributes: Attributes = dims.includes(0) ? { allowzero: int(1) } : {};
  return first(x.builder.op("Reshape", [x, integers(x.builder, dims)], attributes));
}

export function transpose(x: Expr, permutation: readonly number[]): Expr {
  return permutation.every((axis, index) => axis === index)
    ? x
    : first(x.builder.op("Transpose", [x], { perm: ints(permutation) }));
}

/** Swaps the last two axes. */
export function transposeLast(x: Expr): Expr {
  const order = x.dims.map((_, axis) => axis);
  const rank = order.length;
  return transpose(x, [...order.slice(0, rank - 2), rank - 1, rank - 2]);
}

export function expand(x: Expr, dims: readonly number[]): Expr {
  return sameDims(x.dims, dims) ? x : first(x.builder.op("Expand", [x, integers(x.builder, dims)]));
}

export function squeeze(x: Expr, axes: readonly number[]): Expr {
  return axes.length === 0 ? x : first(x.builder.op("Squeeze", [x, integers(x.builder, axes)]));
}

export function unsqueeze(x: Expr, axes: readonly number[]): Expr {
  return axes.length === 0 ? x : first(x.builder.op("Unsqueeze", [x, integers(x.builder, axes)]));
}

export function concat(parts: readonly Expr[], axis: number): Expr {
  const head = first(parts);
  return parts.length === 1 ? head : first(head.builder.op("Concat", parts, { axis: int(axis) }));
}

/** `x[starts:ends:steps]` along the given axes; ends may exceed the size. */
export function slice(
  x: Expr,
  at: { axes: readonly number[]; starts: readonly number[]; ends: readonly number[]; steps?: readonly number[] },
): Expr {
  const given = [at.starts, at.ends, at.axes, ...(at.steps ? [at.steps] : [])];
  return first(x.builder.op("Slice", [x, ...given.map((values) => integers(x.builder, values))]));
}

/** Pads with a constant (0 by default); `pads` is ONNX's: all begins, then all ends, one per axis. */
export function pad(x: Expr, pads: readonly number[], value = 0): Expr {
  if (pads.every((amount) => amount === 0)) return x;
  return first(x.builder.op("Pad", [x, integers(x.builder, pads), scalar(x.builder, value, x.dtype)]));
}

export const gather = (x: Expr, indices: Expr, axis: number): Expr =>
  first(x.builder.op("Gather", [x, indices], { axis: int(axis) }));

/** The `count` largest along an axis, in falling order, and where they are, int64. */
export function largest(x: Expr, count: number, axis = 1): { values: Expr; indices: Expr } {
  const inputs = [x, integers(x.builder, [count])];
  const [values, indices] = x.builder.op("TopK", inputs, { axis: int(axis) }, { outputs: 2 }) as [Expr, Expr];
  return { values, indices };
}

/** A tensor of one repeated value, in the shape and type of another. */
export function filledLike(x: Expr, value: number): Expr {
  return expand(scalar(x.builder, value, x.dtype), staticDims(x, x.name));
}

/**
 * Sums a gradient over the axes along which an operand of shape `like` was broadcast: the transpose of broadcasting.
 * Every element-wise rule ends with it.
 */
export function sumTo(gradient: Expr, like: Expr): Expr {
  if (sameDims(gradient.dims, like.dims)) return gradient;
  const from = staticDims(gradient, gradient.name);
  const to = staticDims(like, like.name);
  const lead = from.length - to.length;
  const axes = from.flatMap((size, axis) => (axis < lead || (to[axis - lead] === 1 && size !== 1) ? [axis] : []));
  return reshape(sum(gradient, { axes, keep: true }), to);
}

/**
 * One-hot entries along a new axis 1 for integer labels of shape [N] or [N, H, W], below 2^24; float32 [N, classes] or [N, classes, H, W].
 * A label outside the range gives zeros. Compared as floats, as WebGPU compares no int64.
 */
export function oneHot(labels: Expr, classes: number): Expr {
  const indices = Array.from({ length: classes }, (_, index) => index);
  const range = tensorOf(indices, "float32", [classes, ...labels.dims.slice(1).map(() => 1)]);
  return indicator(equal(unsqueeze(cast(labels, "float32"), [1]), labels.builder.constant(range)));
}
