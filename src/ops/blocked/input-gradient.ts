// Input gradient of a convolution in the blocked layout. The positions of dx fall into stride·stride phases by their remainder, and each
// phase is a convolution of dy with the taps that reach it. Along one axis, at position h = stride·q + a,
//
//   dx[c, h] = Σ_e Σ_o dy[o, q + e] · w[o, c, i],      i = a + begin - stride·e   where the kernel has such a tap
//
// followed by a copy that puts the phases in their places. For stride 1 there is one phase, w turned by 180°. ConvTranspose, which does
// the same from plain tensors, uses one thread only; one convolution for all phases, with taps of zero, multiplies nearly twice as much.
import { concat, expand, first as firstOf, matMul, reshape, scalar, tensorOf, transpose } from "../expressions.js";
import { staticDims } from "../shapes.js";
import type { Expr } from "../types.js";
import type { Windows } from "../windows.js";
import { blockedConv, blockedTurnedFilter, toBlocked, toPlain } from "./operators.js";

/** Whether the form applies: two axes, phases of equal length, channels that fill blocks, no dilation where there are strides. */
export function suitsBlockedInputGradient(dy: Expr, w: Expr, windows: Windows, block: number): boolean {
  const [outputs, channels] = staticDims(w, w.name) as [number, number];
  const { strides, dilations, input } = windows;
  const plainStride = strides.every((stride) => stride === 1);
  return (
    dy.dtype === "float32" &&
    input.length === 2 &&
    outputs % block === 0 &&
    channels % block === 0 &&
    (plainStride || dilations.every((dilation) => dilation === 1)) &&
    input.every((size, axis) => size % (strides[axis] as number) === 0) &&
    input.every((_, axis) => phasesOf(windows, axis).every(({ begin, end }) => begin >= 0 && end >= 0))
  );
}

/** dx [N, C, ...input] from plain dy [N, O, ...output] and w [O, C, ...kernel]. */
export function blockedInputGradient(dy: Expr, w: Expr, windows: Windows, block: number): Expr {
  const { strides, dilations, input } = windows;
  const [images, channels] = [dy.dims[0] as number, w.dims[1] as number];
  const blocked = toBlocked(dy);
  const [down, across] = [phasesOf(windows, 0), phasesOf(windows, 1)];
  const size = [images, channels, (input[0] as number) / down.length, (input[1] as number) / across.length];
  const phases = down.flatMap((vertical) =>
    across.map((horizontal) => {
      // Nothing reaches such positions, as where a stride of 2 meets a kernel of one tap.
      if (vertical.taps.length === 0 || horizontal.taps.length === 0) return expand(scalar(dy.builder, 0), size);
      const filter = blockedTurnedFilter(chosenTaps(w, vertical.taps, horizontal.taps), block);
      const pads = [vertical.begin, horizontal.begin, vertical.end, horizontal.end];
      return blockedConv(blocked, filter, undefined, { pads, dilations });
    }),
  );
  if (phases.length === 1) return toPlain(firstOf(phases));
  const [height, width] = size.slice(2) as [number, number];
  const apart = reshape(concat(phases, 1), [images, ...strides, channels / block, height, width, block]);
  return toPlain(reshape(transpose(apart, [0, 3, 4, 1, 5, 2, 6]), [images, channels, ...input]));
}

/** One phase of one axis: the taps that reach it in ascending order, and the padding of dy that gives it its length. */
interface Phase {
  readonly taps: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function phasesOf({ kernel, strides, dilations, begins, input, output }: Windows, axis: number): Phase[] {
  const [size, stride, before] = [kernel[axis], strides[axis], begins[axis]] as [number, number, number];
  const [dilation, places, length] = [dilations[axis], output[axis], (input[axis] as number) / stride] as [
    number,
    number,
    number,
  ];
  return Array.from({ length: stride }, (_, remainder) => {
    const taps = Array.from({ length: size }, (_, tap) => tap).filter(
      (tap) => (remainder + before - tap * dilation) % stride === 0,
    );
    if (taps.length === 0) return { taps, begin: 0, end: 0 };
    // Offsets into dy of the last and of the first tap.
    const lowest = (remainder + before - (taps.at(-1) as number) * dilation) / stride;
    const highest = (remainder + before - (taps[0] as number) * dilation) / stride;
    return { taps, begin: -lowest, end: length + highest - places };
  });
}

/** w [O, C, ...] with some rows and columns of its kernels, by a product with a matrix of zeros and ones. */
function chosenTaps(w: Expr, rows: readonly number[], columns: readonly number[]): Expr {
  const [outputs, channels, height, width] = staticDims(w, w.name) as [number, number, number, number];
  if (rows.length === height && columns.length === width) return w;
  const count = rows.length * columns.length;
  const selection = new Array<number>(height * width * count).fill(0);
  for (const [i, row] of rows.entries())
    for (const [j, column] of columns.entries()) {
      selection[(row * width + column) * count + i * columns.length + j] = 1;
    }
  const matrix = w.builder.constant(tensorOf(selection, w.dtype, [height * width, count]));
  const taps = matMul(reshape(w, [outputs * channels, height * width]), matrix);
  return reshape(taps, [outputs, channels, rows.length, columns.length]);
}
