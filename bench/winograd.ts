/**
 * A 3x3 convolution of stride 1 by Winograd's minimal filtering F(2x2, 3x3), as a graph: 2.25 times fewer multiplications, for tensors
 * that are four times as large on either side of the product. Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
 * Timed by bench/convolutions.ts; nothing in Offmap uses it.
 */
import { int, ints } from "../src/onnx/types.js";
import { type Expr, first, matMul, reshape, staticDims, tensorOf, transpose } from "../src/ops/index.js";

/** Bᵀ [4, 4], G [4, 3] and Aᵀ [2, 4] of the paper, section 4.1. */
const inputRows = [
  [1, 0, -1, 0],
  [0, 1, 1, 0],
  [0, -1, 1, 0],
  [0, 1, 0, -1],
];
const weightRows = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
];
const outputRows = [
  [1, 1, 1, 0],
  [0, 1, -1, -1],
];
const parts = 16;

/** Rows a ⊗ rows b: one row for every pair, the second index fastest. */
const outer = (rows: readonly (readonly number[])[]) =>
  rows.flatMap((a) => rows.map((b) => a.flatMap((p) => b.map((q) => p * q))));

/**
 * @param x  [N, C, H, W] with even H and W
 * @param w  [O, C, 3, 3]
 * @returns [N, O, H, W], padded by one position
 */
export function winograd(x: Expr, w: Expr): Expr {
  const { builder } = x;
  const [images, channels, height, width] = staticDims(x, "x") as [number, number, number, number];
  const [outputs] = staticDims(w, "w") as [number];
  const tiles = (height / 2) * (width / 2);
  const constant = (values: readonly number[], dims: readonly number[]) =>
    builder.constant(tensorOf(values, "float32", dims));
  // The transform of every 4x4 tile, two apart, is a depthwise convolution with sixteen outputs per channel.
  const kernels = Array<number[]>(channels).fill(outer(inputRows).flat()).flat();
  const strided = { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]), group: int(channels) };
  const v = first(builder.op("Conv", [x, constant(kernels, [parts * channels, 1, 4, 4])], strided));
  const columns = reshape(transpose(reshape(v, [images, channels, parts, tiles]), [2, 1, 0, 3]), [
    parts,
    channels,
    images * tiles,
  ]);
  const transform = constant(outer(weightRows).flat(), [parts, 9]);
  const filter = reshape(matMul(transform, transpose(reshape(w, [outputs * channels, 9]), [1, 0])), [
    ...[parts, outputs, channels],
  ]);
  const products = reshape(matMul(filter, columns), [parts, outputs, images, tiles]);
  const m = reshape(transpose(products, [2, 1, 0, 3]), [images, outputs * parts, height / 2, width / 2]);
  // Back, every part contributes to the 2x2 outputs of its tile.
  const back = outer(outputRows);
  const spread = Array.from({ length: parts }, (_, part) => back.map((row) => row[part] as number)).flat();
  const inverse = constant(Array<number[]>(outputs).fill(spread).flat(), [outputs * parts, 1, 2, 2]);
  return first(builder.op("ConvTranspose", [m, inverse], { strides: ints([2, 2]), group: int(outputs) }));
}
