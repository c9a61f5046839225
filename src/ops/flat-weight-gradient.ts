// Weight gradient of a convolution of stride 1, as one product over flattened positions.
//
// Lay x and dy out on one grid, channels first and all images and positions of the grid flattened into one long row, with zeros
// around x. Then the shift by a tap (i, j) is a single offset i·width + j into the row, and the gradient of every tap is a product of
// the same two rows at another offset:
//
//   dw[o,c,i,j] = Σ_p dy[o,p] · x[c, p + i·width + j]
//
// Offsets along the last axis are stacked as rows of x, the others as rows of dy, and one product [taps·O, P] × [P, taps·C] gives
// all taps at once. Only delays are needed: x is moved right by what its tap lacks to the last one, dy by its own offset and that of
// the last tap. A delayed copy of all rows is one contiguous copy behind a few zeros, and nothing is moved to channels-last.
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
import { concat, first, pad, reshape, slice, tensorOf, transpose } from "./expressions.js";
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
  const channels = staticDims(x, x.name)[1] as number;
  const outputs = staticDims(dy, dy.name)[1] as number;
  const grid = gridOf(windows);
  // Distance in the flat row of one step along each axis.
  const steps = grid.map((_, axis) => elementCount(grid.slice(axis + 1)) * (dilations[axis] as number));
  const outer = tapsOf(kernel.slice(0, -1)).map((tap) =>
    tap.reduce((sum, at, axis) => sum + at * (steps[axis] as number), 0),
  );
  const inner = Array.from({ length: kernel.at(-1) as number }, (_, at) => at * (steps.at(-1) as number));
  const [farthest, widest] = [outer.at(-1) as number, inner.at(-1) as number];
  const zeroImages = Math.ceil((farthest + widest) / elementCount(grid));

  const place = (value: Expr, at: readonly number[], size: readonly number[]) =>
    onGrid(value, { at, size, grid, zeroImages });
  const columns = delayed(place(x, begins, input), inner);
  const rows = delayed(
    place(
      dy,
      output.map(() => 0),
      output,
    ),
    outer.map((offset) => offset + widest),
  );
  const products = first(x.builder.op("Gemm", [rows, columns], { transB: int(1) }));
  const kept = slice(products, {
    axes: [0, 1],
    starts: [0, 0],
    ends: [outer.length * outputs, inner.length * channels],
  });
  const taps = reverse(reshape(kept, [outer.length, outputs, inner.length, channels]), 2);
  return reshape(transpose(taps, [1, 3, 0, 2]), [outputs, channels, ...kernel]);
}

function gridOf({ begins, ends, input, output }: Pick<Windows, "begins" | "ends" | "input" | "output">): number[] {
  return input.map((size, axis) =>
    Math.max(size + Math.max(begins[axis] as number, ends[axis] as number), output[axis] as number),
  );
}

interface Placement {
  readonly at: readonly number[];
  readonly size: readonly number[];
  readonly grid: readonly number[];
  readonly zeroImages: number;
}

/** [N, C, ...size] placed on the grid, channels first and zero images last: [C, (N + zeroImages)·grid]. */
function onGrid(value: Expr, { at, size, grid, zeroImages }: Placement): Expr {
  const [images, channels] = staticDims(value, value.name) as [number, number];
  const channelsFirst = transpose(value, [1, 0, ...size.map((_, axis) => axis + 2)]);
  const rest = grid.map((places, axis) => places - (size[axis] as number) - (at[axis] as number));
  const placed = pad(channelsFirst, [0, 0, ...at, 0, zeroImages, ...rest]);
  return reshape(placed, [channels, (images + zeroImages) * elementCount(grid)]);
}

/**
 * Stacks copies of all rows [C, T], each copy moved to the right by one of the ascending `delays`: [delays·C + 1, T].
 * A copy is the flat block after that many zeros. What leaves a row at its right end enters the next one, so rows must end in zeros; the last row only fills up.
 */
function delayed(block: Expr, delays: readonly number[]): Expr {
  const [channels, length] = staticDims(block, block.name) as [number, number];
  const flat = reshape(block, [channels * length]);
  const zeros = (count: number) => block.builder.constant(tensorOf(new Array<number>(count).fill(0)));
  const parts = delays.flatMap((delay, index) => {
    const gap = delay - (delays[index - 1] ?? 0);
    return gap === 0 ? [flat] : [zeros(gap), flat];
  });
  const filler = length - (delays.at(-1) as number);
  return reshape(concat([...parts, zeros(filler)], 0), [delays.length * channels + 1, length]);
}

function reverse(x: Expr, axis: number): Expr {
  return slice(x, { axes: [axis], starts: [-1], ends: [-(2 ** 31)], steps: [-1] });
}
