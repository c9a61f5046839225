// The blocked layout of ONNX Runtime's CPU kernels: [N, C/B, H, W, B], the channels in blocks of B, the width of a vector register.
// Convolutions in it run at the speed of the multipliers, where the plain ones first lay windows out for a matrix product.
//
// ONNX Runtime uses it on its own for constant weights only. Its operators (domain com.microsoft.nchwc) take weights that are
// computed just as well; the caller brings them into their blocked order. A blocked tensor keeps the dimensions [N, C, H, W] on paper.
import { ShapeError } from "../../errors.js";
import { type Attributes, formatDims, int, ints } from "../../onnx/types.js";
import { convolutionOf } from "../convolution-geometry.js";
import { first, reshape, tensorOf, transpose } from "../expressions.js";
import { operand, staticDims } from "../shapes.js";
import { reversed } from "../turning.js";
import type { Expr, NoGradient, OperatorRule, ShapeCall } from "../types.js";

export const blockedDomain = "com.microsoft.nchwc";

export interface BlockedConvolution {
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** Begins, then ends. */
  readonly pads?: readonly number[];
  readonly group?: number;
  /** Applied to the result in the same pass. */
  readonly activation?: "Relu";
  /** Blocked, of the shape of the result, and added to it before the activation; in place where nothing else needs it. */
  readonly sum?: Expr;
}

/** Plain [N, C, H, W] in blocks. C must be a multiple of the block. */
export const toBlocked = (x: Expr): Expr => first(x.builder.op("ReorderInput", [x], {}, { domain: blockedDomain }));

/** Back to plain [N, C, H, W]. */
export function toPlain(x: Expr): Expr {
  const channels = staticDims(x, x.name)[1] as number;
  return first(x.builder.op("ReorderOutput", [x], { channels: int(channels) }, { domain: blockedDomain }));
}

/**
 * Convolution of blocked x [N, C, H, W] (plain where C is less than a block) with w [O, C, kh, kw] from `blockedFilter`: blocked [N, O, ...].
 *
 * @param bias  plain [O]
 */
export function blockedConv(x: Expr, w: Expr, bias: Expr | undefined, at: BlockedConvolution = {}): Expr {
  const kernel = staticDims(w, w.name).slice(2);
  const ones = kernel.map(() => 1);
  const attributes: Attributes = {
    kernel_shape: ints(kernel),
    strides: ints(at.strides ?? ones),
    dilations: ints(at.dilations ?? ones),
    pads: ints(at.pads ?? [...kernel, ...kernel].map(() => 0)),
    group: int(at.group ?? 1),
    ...(at.activation === undefined ? {} : { activation: { kind: "string", value: at.activation } }),
  };
  const inputs = at.sum === undefined ? [x, w, ...(bias === undefined ? [] : [bias])] : [x, w, bias, at.sum];
  return first(x.builder.op("Conv", inputs, attributes, { domain: blockedDomain }));
}

/** Mean over the positions of blocked x: [N, C, 1, 1], blocked, which for one position is the plain order. */
export const blockedMean = (x: Expr): Expr =>
  first(x.builder.op("GlobalAveragePool", [x], {}, { domain: blockedDomain }));

/**
 * Sum over the positions of the products of blocked a and b [N, C, H, W]: plain [N, C]. A depthwise convolution of N·C channels with b as the
 * filter, which has its layout, reads both once and writes nothing else, where a product and a sum move twice as much.
 */
export function blockedProducts(a: Expr, b: Expr): Expr {
  const [images, channels, ...size] = staticDims(a, a.name) as [number, number, number, number];
  const planes = images * channels;
  const filter = reshape(b, [planes, 1, ...size]);
  const sums = blockedConv(reshape(a, [1, planes, ...size]), filter, undefined, { group: planes });
  return reshape(sums, [images, channels]);
}

/**
 * w [O, C, kh, kw] in the order the kernels read: [O/B, C/B, kh, kw, B of C, B of O]; [O/B, C, kh, kw, B of O] where C is less than a
 * block or the convolution is depthwise (C = 1).
 *
 * Reordering w as one image of O channels brings the outputs inside; what is left to move are whole rows of a block, which is
 * several times as fast as single numbers.
 */
export function blockedFilter(w: Expr, block: number): Expr {
  const dims = staticDims(w, w.name);
  const [outputs, inputs, height, width] = dims as [number, number, number, number];
  const taps = height * width;
  const rows = toBlocked(reshape(w, [1, outputs, inputs, taps]));
  if (inputs < block) return reshape(rows, dims);
  const pieces = reshape(rows, [outputs / block, inputs / block, block, taps, block]);
  return reshape(transpose(pieces, [0, 1, 3, 2, 4]), dims);
}

/** The filter that sends back what {@link blockedFilter} of w [O, C, kh, kw] sends forward: of w turned by 180°, O and C exchanged. */
export function blockedTurnedFilter(w: Expr, block: number): Expr {
  const [outputs, inputs, height, width] = staticDims(w, w.name) as [number, number, number, number];
  const taps = height * width;
  const rows = toBlocked(reshape(reversed(w), [outputs, inputs, height, width]));
  const pieces = reshape(rows, [outputs / block, block, inputs / block, taps, block]);
  return reshape(transpose(pieces, [2, 0, 3, 1, 4]), [inputs, outputs, height, width]);
}

/** A depthwise filter that copies each channel: a convolution with it pads blocked tensors in one pass. */
export function onesFilter(x: Expr): Expr {
  const channels = staticDims(x, x.name)[1] as number;
  return x.builder.constant(tensorOf(Array<number>(channels).fill(1), "float32", [channels, 1, 1, 1]));
}

const copies: NoGradient = { none: "made after differentiation" };
const dimsOfInput = (call: ShapeCall) => [{ dtype: "float32" as const, dims: operand(call, 0).dims }];

const rule = (op: string, shape: OperatorRule["shape"]): OperatorRule => ({
  op,
  domain: blockedDomain,
  summary: { shape: "blocked", gradient: "none" },
  shape,
  gradient: copies,
});

export const blockedOperators: readonly OperatorRule[] = [
  rule("ReorderInput", dimsOfInput),
  rule("ReorderOutput", dimsOfInput),
  rule("Conv", (call) => {
    const { windows } = convolutionOf(call);
    return [
      { dtype: "float32", dims: [operand(call, 0).dims[0] ?? 1, operand(call, 1).dims[0] ?? 1, ...windows.output] },
    ];
  }),
  rule("GlobalAveragePool", (call) => {
    const { dims } = operand(call, 0);
    if (dims.length !== 4) {
      throw new ShapeError({ where: call.where, expected: "[N, C, H, W]", received: formatDims(dims) });
    }
    return [{ dtype: "float32", dims: [...dims.slice(0, 2), 1, 1] }];
  }),
];
