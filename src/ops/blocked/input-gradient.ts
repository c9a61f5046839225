// Input gradient of a strided convolution in the blocked layout. The positions of dx fall into stride·stride phases by their remainder, and
// each phase is a convolution of dy with the taps that reach it. Along one axis, at position h = stride·q + a,
//
//   dx[c, h] = Σ_e Σ_o dy[o, q + e] · w[o, c, i],      i = a + begin - stride·e   where the kernel has such a tap
//
// All phases look at the same few offsets e, so they are one convolution with stride·stride times as many outputs, some of whose taps are
// zero, and a copy that puts the phases in their places. Stride 1 needs none of this, and ConvTranspose, which does the
// same from plain tensors, uses one thread only.
import { matMul, reshape, tensorOf, transpose } from "../expressions.js";
import { staticDims } from "../shapes.js";
import type { Expr } from "../types.js";
import type { Windows } from "../windows.js";
import { blockedConv, blockedFilter, toBlocked, toPlain } from "./operators.js";

/** What the phases of one axis look at: offsets into dy from `first` on, and the padding that gives each phase its length. */
interface Phases {
  readonly first: number;
  readonly count: number;
  readonly begin: number;
  readonly end: number;
}

/** Whether the form applies: two axes, phases of equal length, channels that fill blocks. */
export function suitsBlockedPhases(dy: Expr, w: Expr, windows: Windows, block: number): boolean {
  const [outputs, channels] = staticDims(w, w.name) as [number, number];
  const { strides, dilations, input } = windows;
  return (
    dy.dtype === "float32" &&
    input.length === 2 &&
    outputs % block === 0 &&
    channels % block === 0 &&
    dilations.every((dilation) => dilation === 1) &&
    input.every((size, axis) => size % (strides[axis] as number) === 0) &&
    input.every((_, axis) => Math.min(phasesOf(windows, axis).begin, phasesOf(windows, axis).end) >= 0)
  );
}

/** dx [N, C, ...input] from plain dy [N, O, ...output] and w [O, C, ...kernel]. */
export function blockedInputGradient(dy: Expr, w: Expr, windows: Windows, block: number): Expr {
  const { strides, input } = windows;
  const [images, channels] = [dy.dims[0] as number, w.dims[1] as number];
  const [vertical, horizontal] = [phasesOf(windows, 0), phasesOf(windows, 1)];
  const phases = blockedConv(toBlocked(dy), blockedFilter(phaseFilter(w, windows), block), undefined, {
    pads: [vertical.begin, horizontal.begin, vertical.end, horizontal.end],
  });
  const [height, width] = staticDims(phases, phases.name).slice(2) as [number, number];
  const apart = reshape(phases, [images, ...strides, channels / block, height, width, block]);
  return toPlain(reshape(transpose(apart, [0, 3, 4, 1, 5, 2, 6]), [images, channels, ...input]));
}

/** Offsets e for which some phase has a tap: those with 0 ≤ a + begin - stride·e < kernel for a remainder a. */
function phasesOf({ kernel, strides, begins, input, output }: Windows, axis: number): Phases {
  const [size, stride, before] = [kernel[axis], strides[axis], begins[axis]] as [number, number, number];
  const first = Math.ceil((before - size + 1) / stride);
  const last = Math.floor((stride - 1 + before) / stride);
  const length = (input[axis] as number) / stride;
  return { first, count: last - first + 1, begin: -first, end: length + last - (output[axis] as number) };
}

/** The taps of every phase: [stride·stride·C, O, offsets, offsets], by a product with a matrix of zeros and ones. */
function phaseFilter(w: Expr, windows: Windows): Expr {
  const [outputs, channels, height, width] = staticDims(w, w.name) as [number, number, number, number];
  const [down, across] = windows.strides as [number, number];
  const [vertical, horizontal] = [phasesOf(windows, 0), phasesOf(windows, 1)];
  const columns = down * across * vertical.count * horizontal.count;
  const selection = new Array<number>(height * width * columns).fill(0);
  const tap = (axis: number, remainder: number, offset: number) =>
    remainder + (windows.begins[axis] as number) - (windows.strides[axis] as number) * offset;
  let column = 0;
  for (let a = 0; a < down; a++)
    for (let b = 0; b < across; b++)
      for (let e = 0; e < vertical.count; e++)
        for (let f = 0; f < horizontal.count; f++, column++) {
          const [i, j] = [tap(0, a, vertical.first + e), tap(1, b, horizontal.first + f)];
          if (i >= 0 && j >= 0 && i < height && j < width) selection[(i * width + j) * columns + column] = 1;
        }
  const matrix = w.builder.constant(tensorOf(selection, w.dtype, [height * width, columns]));
  const taps = matMul(reshape(w, [outputs * channels, height * width]), matrix);
  const byPhase = reshape(taps, [outputs, channels, down * across, vertical.count * horizontal.count]);
  return reshape(transpose(byPhase, [2, 1, 0, 3]), [
    down * across * channels,
    outputs,
    vertical.count,
    horizontal.count,
  ]);
}
