// The three maps of a convolution, on which the rules of Conv and ConvTranspose are built:
//
//   y[n,o] = Σ_c x[n,c] ⋆ w[o,c]       forward:          x, w → y
//                                      input gradient:   dy, w → dx     (what ConvTranspose computes)
//                                      weight gradient:  x, dy → dw
//
// Input gradient, stride 1: correlate dy with w turned by 180° and its channel axes swapped. For stride s > 1 the forward pass skipped
// positions, so dy must first be spread out by s; ONNX says that as ConvTranspose, and output_padding restores the rows that the
// floor in the output size dropped (input 6, kernel 3, stride 2: 2 outputs reach only 5 rows).
//
// Weight gradient: the tap (i, j) of dw is the product of dy with x shifted by (i, j), summed over images and positions:
// dw[o,c,i,j] = Σ dy[o, (n,p)] · x[(n,p), c]. Stride 1 without groups has a form of its own, in flat-weight-gradient.ts.
//
// Where the graph will run in ONNX Runtime's blocked layout, the forms of blocked/ take the place of both gradients.
//
// One core, milliseconds of processor time (NCHW, kernel; ONNX Runtime 1.30):
//
//   input gradient          stride 1:  128x64x8x8   64x512x4x4    stride 2:  128x64x8x8 to 128x32x16x16
//     ConvTranspose                       8.4           87                      4.6
//     Conv, w turned                      7.9           54                     24.7 (zeros inserted first)
//     4 phases in one Conv                                                      8.5
//   turning w, 512x512x3x3: product with a 9x9 permutation 1.1, Slice with steps -1 6.1, Gather 11 to 18
//
//   weight gradient, 3x3          128x3x32x32 to 16    128x16x32x32 to 16    128x64x8x8 to 64    64x256x8x8 to 256
//     product per tap, NHWC              11.4                 21.6                  9.3                  61
//     taps stacked, one product           4.9                 21.9                 12.1                  70
//     one Conv with swapped axes          8.4                 42.4                 19.7                 117
//   depthwise, 3x3                64x96x16x16          64x144x16x16 stride 2       64x128x8x8, 7x7
//     Mul and ReduceSum per tap, NHWC    11.3                 9.1                  13.0
//     the same, NCHW                     11.2                14.9                  25.0
//     grouped Conv with swapped axes     21.2                10.0                  16.0
//     batched products                   46.5                33.8                  80.6
import { type Attributes, elementCount, int, ints } from "../onnx/types.js";
import { blockedInputGradient, suitsBlockedInputGradient } from "./blocked/input-gradient.js";
import { blockedWeightGradient, suitsBlockedGradient } from "./blocked/weight-gradient.js";
import type { Convolution } from "./convolution-geometry.js";
import { concat, first, matMul, mul, pad, reshape, slice, sum, transpose, transposeLast } from "./expressions.js";
import { flatWeightGradient, suitsFlatProduct } from "./flat-weight-gradient.js";
import { staticDims } from "./shapes.js";
import { reversed } from "./turning.js";
import type { Expr } from "./types.js";
import { extentOf, tapsOf, type Windows } from "./windows.js";

/** Below this many input channels per group the taps are stacked for one larger product. */
const stackBelow = 16;
/** Elements of one stack of taps, 64 MB. */
const stackLimit = 2 ** 24;

/** y [N, O, ...] from x [N, C, ...] and w [O, C/group, ...]. */
export function correlate(x: Expr, w: Expr, { windows, group }: Convolution): Expr {
  const { strides, dilations, begins, ends } = windows;
  const inside = (pads: readonly number[]) => pads.map((amount) => Math.max(0, amount));
  const attributes: Attributes = {
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints([...inside(begins), ...inside(ends)]),
    group: int(group),
  };
  return first(x.builder.op("Conv", [crop(x, begins, ends), w], attributes));
}

/** Cuts off what negative spatial paddings say; positive ones are left to the caller. */
function crop(x: Expr, begins: readonly number[], ends: readonly number[]): Expr {
  const sizes = staticDims(x, x.name).slice(2);
  if ([...begins, ...ends].every((amount) => amount >= 0)) return x;
  return slice(x, {
    axes: sizes.map((_, axis) => axis + 2),
    starts: begins.map((amount) => Math.max(0, -amount)),
    ends: sizes.map((size, axis) => size + Math.min(0, ends[axis] as number)),
  });
}

/** dx [N, C, ...] from dy [N, O, ...] and w [O, C/group, ...]. */
export function inputGradient(dy: Expr, w: Expr, { windows, group }: Convolution): Expr {
  const { kernel, strides, dilations, begins, ends, input, output } = windows;
  const { block } = dy.builder;
  if (group === 1 && block !== undefined && suitsBlockedInputGradient(dy, w, windows, block)) {
    return blockedInputGradient(dy, w, windows, block);
  }
  const extents = kernel.map((size, axis) => extentOf(size, dilations[axis] as number));
  if (strides.every((stride) => stride === 1)) {
    const mirrored = (pads: readonly number[]) => extents.map((extent, axis) => extent - 1 - (pads[axis] as number));
    return correlate(dy, turned(w, group), {
      windows: { ...windows, begins: mirrored(begins), ends: mirrored(ends), input: output, output: input },
      group,
    });
  }
  const reached = extents.map((extent, axis) => ((output[axis] as number) - 1) * (strides[axis] as number) + extent);
  const unreached = input.map(
    (size, axis) => size + (begins[axis] as number) + (ends[axis] as number) - (reached[axis] as number),
  );
  const attributes: Attributes = {
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints([...begins, ...ends]),
    output_padding: ints(unreached),
    group: int(group),
  };
  return first(dy.builder.op("ConvTranspose", [dy, w], attributes));
}

/** w [O, C/group, ...] turned by 180° with input and output channels swapped within each group: [C, O/group, ...]. */
function turned(w: Expr, group: number): Expr {
  const [outputs, inputs, ...kernel] = staticDims(w, w.name) as [number, number, ...number[]];
  const split = reshape(reversed(w), [group, outputs / group, inputs, elementCount(kernel)]);
  return reshape(transpose(split, [0, 2, 1, 3]), [group * inputs, outputs / group, ...kernel]);
}

/** dw [O, C/group, ...] from x [N, C, ...] and dy [N, O, ...]. */
export function weightGradient(x: Expr, dy: Expr, { windows, group }: Convolution): Expr {
  const [images, channels] = staticDims(x, x.name) as [number, number];
  const outputs = staticDims(dy, dy.name)[1] as number;
  const { kernel, input, output } = windows;
  const { block } = x.builder;
  if (group === 1 && block !== undefined && suitsBlockedGradient(x, dy, windows, block)) {
    return blockedWeightGradient(x, dy, windows, block);
  }
  if (group === 1 && suitsFlatProduct(windows)) return flatWeightGradient(x, dy, windows);
  const inputsPerGroup = channels / group;
  const perGroup: Grouped = {
    x: reshape(x, [images, group, inputsPerGroup, ...input]),
    dy: reshape(dy, [images, group, outputs / group, ...output]),
    windows,
  };
  const form = inputsPerGroup === 1 && group > 1 ? byElement : inputsPerGroup < stackBelow ? byStack : byTap;
  return reshape(form(perGroup), [outputs, inputsPerGroup, ...kernel]);
}

/** x [N, group, C, ...] and dy [N, group, O, ...], C and O counted per group. */
interface Grouped {
  readonly x: Expr;
  readonly dy: Expr;
  readonly windows: Windows;
}

/** One product per tap over channels-last slices; [group, O, C, taps]. */
function byTap({ x, dy, windows }: Grouped): Expr {
  const [images, group, channels] = staticDims(x, x.name) as [number, number, number];
  const spatial = windows.input.map((_, axis) => axis + 3);
  const last = padded(transpose(x, [1, 0, ...spatial, 2]), 2, windows);
  const rows = asRows(dy);
  const positions = images * elementCount(windows.output);
  const products = tapsOf(windows.kernel).map((tap) => {
    const columns = reshape(shifted(last, tap, 2, windows), [group, positions, channels]);
    return expandFront(matMul(rows, columns));
  });
  return transpose(concat(products, 0), [1, 2, 3, 0]);
}

/** All taps (or as many as fit the memory limit) stacked as rows of one product; [group, O, C, taps]. */
function byStack({ x, dy, windows }: Grouped): Expr {
  const [images, group, channels] = staticDims(x, x.name) as [number, number, number];
  const spatial = windows.input.map((_, axis) => axis + 3);
  const grid = padded(transpose(x, [1, 2, 0, ...spatial]), 3, windows);
  const columns = transposeLast(asRows(dy));
  const outputs = columns.dims.at(-1) as number;
  const positions = images * elementCount(windows.output);
  const taps = tapsOf(windows.kernel);
  const atOnce = Math.max(1, Math.floor(stackLimit / (group * channels * positions)));
  const parts: Expr[] = [];
  for (let from = 0; from < taps.length; from += atOnce) {
    const chosen = taps.slice(from, from + atOnce);
    const rows = chosen.map((tap) => reshape(shifted(grid, tap, 3, windows), [group, channels, positions]));
    parts.push(reshape(matMul(concat(rows, 1), columns), [group, chosen.length, channels, outputs]));
  }
  return transpose(concat(parts, 1), [0, 3, 2, 1]);
}

/** One input channel per group: no product has anything to share, so multiply and sum; [group, O, taps]. */
function byElement({ x, dy, windows }: Grouped): Expr {
  const [images, group] = staticDims(x, x.name) as [number, number];
  const outputs = staticDims(dy, dy.name)[2] as number;
  const spatial = windows.input.map((_, axis) => axis + 3);
  const last = padded(transpose(x, [0, ...spatial, 1, 2]), 1, windows);
  const positions = images * elementCount(windows.output);
  const rows = reshape(transpose(dy, [0, ...spatial, 1, 2]), [positions, group, outputs]);
  const sums = tapsOf(windows.kernel).map((tap) => {
    const product = mul(rows, reshape(shifted(last, tap, 1, windows), [positions, group, 1]));
    return reshape(sum(reshape(product, [positions, group * outputs]), { axes: [0] }), [1, group, outputs]);
  });
  return transpose(concat(sums, 0), [1, 2, 0]);
}

/** [N, group, O, ...] as [group, O, N·positions]. */
function asRows(dy: Expr): Expr {
  const [images, group, outputs, ...output] = staticDims(dy, dy.name) as [number, number, number, ...number[]];
  const order = [1, 2, 0, ...output.map((_, axis) => axis + 3)];
  return reshape(transpose(dy, order), [group, outputs, images * elementCount(output)]);
}

const expandFront = (x: Expr): Expr => reshape(x, [1, ...staticDims(x, x.name)]);

/** Pads (or crops) the spatial axes, which start at `from`. */
function padded(x: Expr, from: number, { begins, ends }: Windows): Expr {
  const all = (amounts: readonly number[]) => x.dims.map((_, axis) => (axis < from ? 0 : (amounts[axis - from] ?? 0)));
  return pad(x, [...all(begins), ...all(ends)]);
}

/** What one tap of the kernel sees of x at every output position; spatial axes start at `from`. */
function shifted(x: Expr, tap: readonly number[], from: number, { strides, dilations, output }: Windows): Expr {
  const starts = tap.map((at, axis) => at * (dilations[axis] as number));
  const ends = starts.map((start, axis) => start + ((output[axis] as number) - 1) * (strides[axis] as number) + 1);
  const axes = tap.map((_, axis) => axis + from);
  const sizes = staticDims(x, x.name);
  const whole = axes.every((axis, at) => starts[at] === 0 && ends[at] === sizes[axis] && strides[at] === 1);
  return whole ? x : slice(x, { axes, starts, ends, ...(strides.every((s) => s === 1) ? {} : { steps: strides }) });
}

/** Sum over images and positions: the gradient of a bias [O]. */
export function biasGradient(dy: Expr): Expr {
  return sum(sum(dy, { axes: dy.dims.slice(2).map((_, axis) => axis + 2) }), { axes: [0] });
}
