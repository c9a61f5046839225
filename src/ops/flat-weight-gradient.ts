// Weight gradient of a convolution of stride 1, as one product over flattened positions.
//
// Lay x and dy out on one grid, channels first and all images and positions of the grid flattened into one long row, with zeros
// around x. Then the shift by a tap (i, j) is a single offset i·width + j into the row, and the gradient of every tap is a product of
// the same two rows at another offset:
//
//   dw[o,c,i,j] = Σ_p dy[o,p] · x[c, p + i·width + j]
//
// Offsets along the last axis are stacked as rows of x, the others as rows of dy (shifted the other way), and one product
// [taps·O, P] × [P, taps·C] gives all taps at once. Shifted rows are contiguous copies, and nothing is moved to channels-last.
//
// Rows of the grid share their zeros: what runs over the end of one row lands in the zeros before the next. So an axis needs
// input + max(begin, end) places, not input + begin + end.
//
// Two threads, milliseconds for N x C x H x W, kernel 3x3, as many outputs as inputs (ONNX Runtime 1.30):
//
//                        384x16x32x32   384x32x16x16   384x64x8x8   96x64x32x32   96x128x16x16   96x256x8x8   96x512x4x4
//   product per tap, NHWC    104             42            26           161             97            76           53
//   this form                 49             34            26            80             76            72           82
import { elementCount, int } from "../onnx/types.js";
import { concat, first, pad, reshape, slice, transpose } from "./expressions.js";
import { staticDims } from "./shapes.js";
import type { Expr } from "./types.js";
import { tapsOf, type Windows } from "./windows.js";

/** Beyond this share of zeros on the grid, as on very small images, a product per tap is faster. */
const mostGridPerOutput = 1.3;

/** Whether the form applies and is the faster one. Negative paddings are left to the other forms. */
export function suitsFlatProduct({ strides, begins, ends, output, input, kernel }: Windows): boolean {
  if (strides.some((stride) => stride !== 1) || [...begins, ...ends].some((amount) => amount < 0)) return false;
  const grid = gridOf({ begins, ends, output, input });
  return elementCount(kernel) > 1 && elementCount(grid) <= mostGridPerOutput * elementCount(output);
}

/** dw [O, C, ...kernel] from x [N, C, ...] and dy [N, O, ...]. */
export function flatWeightGradient(x: Expr, dy: Expr, windows: Windows): Expr {
  const { kernel, dilations, begins, output, input } = windows;
  const [images, channels] = staticDims(x, x.name) as [number, number];
  const outputs = staticDims(dy, dy.name)[1] as number;
  const grid = gridOf(windows);
  const length = images * elementCount(grid);
  // Distance in the flat row of one step along each axis.
  const steps = grid.map((_, axis) => elementCount(grid.slice(axis + 1)) * (dilations[axis] as number));
  const outer = tapsOf(kernel.slice(0, -1)).map((tap) =>
    tap.reduce((sum, at, axis) => sum + at * (steps[axis] as number), 0),
  );
  const inner = Array.from({ length: kernel.at(-1) as number }, (_, at) => at * (steps.at(-1) as number));
  const [farthest, widest] = [outer.at(-1) as number, inner.at(-1) as number];

  const xRow = flatRow(x, channels, begins, input, grid, [0, farthest + widest]);
  const dyRow = flatRow(
    dy,
    outputs,
    output.map(() => 0),
    output,
    grid,
    [farthest, farthest],
  );
  const window = (row: Expr, offset: number) =>
    slice(row, { axes: [1], starts: [offset], ends: [offset + length + farthest] });
  const xRows = concat(
    inner.map((offset) => window(xRow, offset)),
    0,
  );
  const dyRows = concat(
    outer.map((offset) => window(dyRow, farthest - offset)),
    0,
  );
  const products = first(x.builder.op("Gemm", [dyRows, xRows], { transB: int(1) }));
  const taps = reshape(products, [outer.length, outputs, inner.length, channels]);
  return reshape(transpose(taps, [1, 3, 0, 2]), [outputs, channels, ...kernel]);
}

function gridOf({ begins, ends, input, output }: Pick<Windows, "begins" | "ends" | "input" | "output">): number[] {
  return input.map((size, axis) =>
    Math.max(size + Math.max(begins[axis] as number, ends[axis] as number), output[axis] as number),
  );
}

/** [N, C, ...size] placed on the grid at `begins`, as rows [C, N·grid], with zeros before and after each row. */
function flatRow(
  value: Expr,
  channels: number,
  begins: readonly number[],
  size: readonly number[],
  grid: readonly number[],
  [before, after]: readonly [number, number],
): Expr {
  const images = staticDims(value, value.name)[0] as number;
  const channelsFirst = transpose(value, [1, 0, ...size.map((_, axis) => axis + 2)]);
  const rest = grid.map((places, axis) => places - (size[axis] as number) - (begins[axis] as number));
  const placed = pad(channelsFirst, [0, 0, ...begins, 0, 0, ...rest]);
  return pad(reshape(placed, [channels, images * elementCount(grid)]), [0, before, 0, after]);
}
