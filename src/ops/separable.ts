/** Linear maps along one axis: the gradients of resampling and of padding with copies are their transposes. */
import { matMul, reshape, tensorOf, transposeLast } from "./expressions.js";
import { staticDims } from "./shapes.js";
import type { Expr } from "./types.js";

/** Rows of a linear map along one axis: output position `i` is the sum of `weight · x[position]` over row `i`. */
export type AxisMap = readonly (readonly { readonly position: number; readonly weight: number }[])[];

/**
 * The transpose of a linear map along one axis, applied to the gradient of its output.
 *
 * @param dy    gradient of the output, whose size along `axis` is the number of rows
 * @param size  size of the input along the axis
 */
export function applyTransposed(dy: Expr, axis: number, map: AxisMap, size: number): Expr {
  const dims = staticDims(dy, dy.name);
  const values = new Array<number>(map.length * size).fill(0);
  map.forEach((row, at) => {
    for (const { position, weight } of row) values[at * size + position] = (values[at * size + position] ?? 0) + weight;
  });
  const count = (part: readonly number[]) => part.reduce((product, length) => product * length, 1);
  const [outer, inner] = [count(dims.slice(0, axis)), count(dims.slice(axis + 1))];
  const matrix = dy.builder.constant(tensorOf(values, dy.dtype, [map.length, size]));
  const result =
    inner === 1
      ? matMul(reshape(dy, [outer, map.length]), matrix)
      : matMul(transposeLast(matrix), reshape(dy, [outer, map.length, inner]));
  return reshape(result, [...dims.slice(0, axis), size, ...dims.slice(axis + 1)]);
}

/** The transpose of copying `x[sources[i]]` to position `i` of an axis. */
export function gatherTransposed(dy: Expr, axis: number, sources: readonly number[], size: number): Expr {
  return applyTransposed(
    dy,
    axis,
    sources.map((position) => [{ position, weight: 1 }]),
    size,
  );
}
