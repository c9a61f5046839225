/** Shape arithmetic that the rules share: broadcasting, axes, and dimensions that must be known. */
import { ShapeError } from "../errors.js";
import { type Dim, formatDims, type Tensor } from "../onnx/types.js";
import type { OperandType, ShapeCall, ValueType } from "./types.js";

/** The operand at `index`, or an error naming the node when it is absent. */
export function operand(call: Pick<ShapeCall, "inputs" | "where">, index: number): OperandType {
  const value = call.inputs[index];
  if (value === undefined) {
    throw new ShapeError({
      where: call.where,
      expected: `an input ${index}`,
      received: `${call.inputs.length} inputs`,
    });
  }
  return value;
}

/** Dimensions as numbers; throws when one is symbolic. */
export function staticDims(value: ValueType, where: string): number[] {
  return value.dims.map((dim) => {
    if (typeof dim === "number") return dim;
    throw new ShapeError({ where, expected: "a shape that is fully known", received: formatDims(value.dims) });
  });
}

/** Multidirectional broadcasting (ONNX "Broadcasting in ONNX"). A symbolic dimension meets 1, itself, or a known size that it must then equal. */
export function broadcastDims(a: readonly Dim[], b: readonly Dim[], where: string): Dim[] {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const x = a[axis - (rank - a.length)] ?? 1;
    const y = b[axis - (rank - b.length)] ?? 1;
    if (x === y || y === 1) result.push(x);
    else if (x === 1) result.push(y);
    else if (typeof x === "string") result.push(y);
    else if (typeof y === "string") result.push(x);
    else {
      throw new ShapeError({
        where,
        expected: "shapes that broadcast together",
        received: `${formatDims(a)} and ${formatDims(b)}`,
      });
    }
  }
  return result;
}

/** Turns an axis in [-rank, rank) into one in [0, rank). */
export function normalizeAxis(axis: number, rank: number, where: string): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError({ where, expected: `an axis in [${-rank}, ${rank - 1}]`, received: String(axis) });
  }
  return axis < 0 ? axis + rank : axis;
}

/** Integers held by a constant tensor of type int64, int32 or any other integer type. */
export function integersOf(tensor: Tensor): number[] {
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** The integers of a constant operand such as `axes` or `shape`; throws when its value is not known. */
export function constantIntegers(call: Pick<ShapeCall, "inputs" | "where">, index: number, meaning: string): number[] {
  const value = operand(call, index);
  if (value.constant === undefined) {
    throw new ShapeError({
      where: call.where,
      expected: `input ${index} (${meaning}) to be known before the model runs`,
      received: `a value computed from the data, of shape ${formatDims(value.dims)}`,
      hint: "export the model with fixed shapes, or freeze below this node",
    });
  }
  return integersOf(value.constant);
}

/** Whether two shapes are the same, symbols by name. */
export function sameDims(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}
