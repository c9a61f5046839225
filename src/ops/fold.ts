/**
 * Exact evaluation of small known tensors, for the operators that occur in shape arithmetic. Integers are computed as bigint,
 * so int64 keeps all its bits; float32 is computed in double and rounded once, as the hardware would.
 */
import { type DataType, elementCount, type Tensor, type TensorData } from "../onnx/types.js";
import { arrays } from "./arrays.js";
import { staticDims } from "./shapes.js";
import type { FoldCall, ValueType } from "./types.js";

/** An element as it is computed with: bigint for every integer type, number for floats and booleans. */
export type Value = number | bigint;

export const isFloat = (dtype: DataType): boolean => dtype === "float32" || dtype === "float64";
export const isInteger = (dtype: DataType): boolean => /^u?int/.test(dtype);
/** Types whose elements can be computed with here; the 16-bit floats are only bits and strings are not numbers. */
export const isComputable = (dtype: DataType): boolean => isFloat(dtype) || isInteger(dtype) || dtype === "bool";

/** The elements of a computable tensor. */
export function valuesOf({ dtype, data }: Tensor): Value[] {
  const convert = isInteger(dtype) ? BigInt : Number;
  return Array.from(data as ArrayLike<number | bigint>, (value) => convert(value));
}

/** A computable tensor from its elements; integers wrap around as they do in ONNX Runtime. */
export function tensorFrom(dtype: DataType, dims: readonly number[], values: readonly Value[]): Tensor {
  let data: TensorData;
  if (dtype === "int64") data = BigInt64Array.from(values, (value) => BigInt(value));
  else if (dtype === "uint64") data = BigUint64Array.from(values, (value) => BigInt(value));
  else
    data = arrays[dtype as keyof typeof arrays].from(
      values.map((value) => Number(isInteger(dtype) ? wrapped(value) : value)),
    );
  return { dtype, dims, data };
}

/** Bits of an integer beyond those that a number holds exactly are cut off before, as they would be after. */
const wrapped = (value: Value): Value => (typeof value === "bigint" ? BigInt.asIntN(53, value) : value);

/** A tensor of any type whose element `i` is element `sources[i]` of another: reshaping, slicing, gathering, transposing. */
export function pick({ dtype, data }: Tensor, dims: readonly number[], sources: readonly number[]): Tensor {
  if (Array.isArray(data)) return { dtype, dims, data: sources.map((index) => (data as string[])[index] as string) };
  const array = data as Float32Array;
  const result = new (array.constructor as Float32ArrayConstructor)(sources.length);
  sources.forEach((from, to) => {
    result[to] = array[from] as number;
  });
  return { dtype, dims, data: result };
}

/** One flat tensor with the elements of several tensors of one type, in order. */
export function chain(parts: readonly Tensor[]): Tensor {
  const { dtype, data } = parts[0] as Tensor;
  const elements = parts.flatMap((x) => Array.from(x.data as Float32Array));
  if (Array.isArray(data)) return { dtype, dims: [elements.length], data: elements as unknown as string[] };
  const { from } = (data as Float32Array).constructor as Float32ArrayConstructor;
  return { dtype, dims: [elements.length], data: from.call(data.constructor, elements) };
}

/** Every index of a shape, in row-major order. */
export function* indicesOf(dims: readonly number[]): Generator<number[]> {
  const index = dims.map(() => 0);
  for (let left = elementCount(dims); left > 0; left--) {
    yield [...index];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (dims[axis] as number)) break;
      index[axis] = 0;
    }
  }
}

/** Position of an index in a tensor of the given shape; leading axes that the shape lacks and axes of size 1 are broadcast. */
export function positionOf(index: readonly number[], dims: readonly number[]): number {
  const lead = index.length - dims.length;
  return dims.reduce((position, size, axis) => position * size + (size === 1 ? 0 : (index[axis + lead] as number)), 0);
}

/** Element-wise evaluation with broadcasting. `compute` may return undefined for what has no value, such as 1 / 0 in integers. */
export function foldElements(
  call: FoldCall,
  type: ValueType,
  compute: (...operands: Value[]) => Value | undefined,
): Tensor[] | undefined {
  const operands = call.constants.filter((x) => x !== undefined);
  if (!operands.every(({ dtype }) => isComputable(dtype)) || !isComputable(type.dtype)) return undefined;
  const dims = staticDims(type, call.where);
  const values = operands.map(valuesOf);
  const results: Value[] = [];
  for (const index of indicesOf(dims)) {
    const at = operands.map((x, i) => values[i]?.[positionOf(index, x.dims)] as Value);
    const result = compute(...at);
    if (result === undefined) return undefined;
    results.push(result);
  }
  return [tensorFrom(type.dtype, dims, results)];
}

export function largerOf(a: Value, b: Value): Value {
  if (a > b) return a;
  return b;
}

export function smallerOf(a: Value, b: Value): Value {
  if (a < b) return a;
  return b;
}
