// Weight gradient of a convolution, as a convolution in the blocked layout: images and channels change places,
//
//   dw[c,o,i,j] = Σ_n Σ_p x'[c,n, p·stride + (i,j)·dilation] · dy[o,n,p]
//
// the images are what is summed over, dy is the filter, strides and dilations change places too. The result has only kernel-size
// positions, and the kernels share each loaded filter value among as many of them as fit the registers: positions beyond the edge
// would be taken one by one, so that x is padded beforehand. Images lie in blocks, and hence must fill them.
//
// Turning channels and images around is one vectorized pass, ReorderInput on x seen as one image of N channels; the channels of one block
// then lie side by side, and stay so: they are neighbouring outputs of a convolution dilated by the block. What this takes beside
// the other forms is in docs/results/convolutions.md.
import { elementCount } from "../../onnx/types.js";
import { pad, reshape, slice, sum, transpose } from "../expressions.js";
import { staticDims } from "../shapes.js";
import type { Expr } from "../types.js";
import { extentOf, type Windows } from "../windows.js";
import { blockedConv, onesFilter, toBlocked, toPlain } from "./operators.js";

/** Whether the form applies, and pays: one tap of a few channels leaves the kernels a single output at a time. */
export function suitsBlockedGradient(x: Expr, dy: Expr, { kernel, begins }: Windows, block: number): boolean {
  const [images, outputs] = staticDims(dy, dy.name) as [number, number];
  const channels = x.dims[1] as number;
  return (
    x.dtype === "float32" &&
    kernel.length === 2 &&
    (elementCount(kernel) > 1 || channels % block === 0) &&
    images % block === 0 &&
    outputs % block === 0 &&
    begins.every((amount) => amount >= 0)
  );
}

/** dw [O, C, ...kernel] from plain x [N, C, H, W] and dy [N, O, ...output]. */
export function blockedWeightGradient(x: Expr, dy: Expr, windows: Windows, block: number): Expr {
  const { kernel, strides, dilations } = windows;
  const [channels, outputs] = [x.dims[1] as number, dy.dims[1] as number];
  const turned = imagesAsChannels(x, padsFor(windows), block);
  const [apart, images] = staticDims(turned, turned.name) as [number, number];
  const together = channels / apart;
  const group = groupsFor({
    items: apart * Math.ceil(outputs / (4 * block)) * (kernel[0] as number),
    blocks: images / block,
  });
  const sums = blockedConv(turned, imagesAsFilter(dy, group, block), undefined, {
    strides: [dilations[0] as number, 1],
    dilations: [strides[0] as number, (strides[1] as number) * together],
    group,
  });
  const [rows, columns] = staticDims(sums, sums.name).slice(2) as [number, number];
  const parts = reshape(sums, [apart, group, outputs / block, rows, columns / together, together * block]);
  const [height, width] = kernel as [number, number];
  const between = dilations[1] as number;
  // Where windows do not reach the end of x, and between dilated taps, there are sums that no tap of the kernel has.
  const taps = slice(sum(parts, { axes: [1] }), {
    axes: [2, 3],
    starts: [0, 0],
    ends: [height, between * (width - 1) + 1],
    steps: [1, between],
  });
  const pieces = reshape(taps, [apart, outputs / block, height * width, together, block]);
  const filter = reshape(transpose(pieces, [1, 0, 3, 2, 4]), [1, outputs, channels, height * width]);
  return reshape(toPlain(filter), [outputs, channels, height, width]);
}

/** Work is shared out among threads by output row, of which there are few: groups of images make more. */
const leastItems = 24;

/** Groups of images that are summed apart: as few as give enough work items, or as many as there are. */
function groupsFor({ items, blocks }: { items: number; blocks: number }): number {
  let groups = 1;
  while (groups < blocks && (items * groups < leastItems || blocks % groups !== 0)) groups++;
  return groups;
}

/** Padding that puts a value under every tap of every window and as little beyond as possible; begins, then ends. */
function padsFor({ kernel, strides, dilations, begins, input, output }: Windows): number[] {
  const ends = input.map((size, axis) => {
    const span = ((output[axis] as number) - 1) * (strides[axis] as number);
    const reached = span + extentOf(kernel[axis] as number, dilations[axis] as number);
    return Math.max(0, reached - size - (begins[axis] as number));
  });
  return [...begins, ...ends];
}

/**
 * Plain x [N, C, H, W] padded, as images of N channels in blocks of images. Where the channels of x fill blocks, those of one block stay
 * side by side along the width: [C/B, N, H', W'·B], else [C, N, H', W'].
 */
function imagesAsChannels(x: Expr, pads: readonly number[], block: number): Expr {
  const [images, channels] = staticDims(x, x.name) as [number, number];
  const together = channels % block === 0 ? block : 1;
  const padded = together === 1 ? padPlain(x, pads) : padBlocked(toBlocked(x), pads);
  const [height, width] = staticDims(padded, padded.name).slice(2) as [number, number];
  const turned = toBlocked(reshape(padded, [1, images, channels * height, width]));
  const apart = channels / together;
  const pieces = reshape(turned, [images / block, apart, height * width * together * block]);
  return reshape(transpose(pieces, [1, 0, 2]), [apart, images, height, width * together]);
}

function padBlocked(x: Expr, pads: readonly number[]): Expr {
  if (pads.every((amount) => amount === 0)) return x;
  return blockedConv(x, onesFilter(x), undefined, { pads, group: x.dims[1] as number });
}

function padPlain(x: Expr, [top, left, bottom, right]: readonly number[]): Expr {
  return pad(x, [0, 0, top as number, left as number, 0, 0, bottom as number, right as number]);
}

/** Plain dy [N, O, H, W] as the filter of `groups` times O outputs and N/groups inputs: [groups, O/B, N/groups/B, H, W, B of N, B of O]. */
function imagesAsFilter(dy: Expr, groups: number, block: number): Expr {
  const [images, outputs, ...size] = staticDims(dy, dy.name) as [number, number, number, number];
  const blocks = images / groups / block;
  const blocked = reshape(toBlocked(dy), [groups, blocks, block, outputs / block, size[0] * size[1], block]);
  return reshape(transpose(blocked, [0, 3, 1, 4, 2, 5]), [groups * outputs, images / groups, ...size]);
}
