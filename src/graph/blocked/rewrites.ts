/** Operators that work on blocked tensors, and how. A rewrite answers undefined where its operator must see plain tensors. */
import { float } from "../../onnx/types.js";
import { convolutionOf } from "../../ops/convolution-geometry.js";
import {
  AttributeReader,
  add,
  blockedConv,
  blockedFilter,
  blockedMean,
  blockedProducts,
  div,
  type Expr,
  first,
  mul,
  neg,
  onesFilter,
  reshape,
  sqrt,
  staticDims,
  sub,
} from "../../ops/index.js";
import type { BuiltNode } from "../builder.js";
import type { Extras, Forms, Layout } from "./layout.js";

type Rewrite = (layout: Layout, built: BuiltNode) => Forms | undefined;

const convolution: Rewrite = (layout, { node, inputs }) => {
  const [x, w, bias] = inputs as [Expr, Expr, Expr | undefined];
  const { block } = layout;
  const call = { inputs, attributes: new AttributeReader(node.attributes, node.name), where: node.name };
  const { windows, group } = convolutionOf(call);
  const { strides, dilations, begins, ends } = windows;
  const [outputs, perGroup] = staticDims(w, w.name) as [number, number];
  const channels = x.dims[1] as number;
  // The kernels take an image of few channels as it is.
  const few = group === 1 && channels < block;
  const depthwise = group === channels && group === outputs && perGroup === 1;
  if (windows.kernel.length !== 2 || x.dtype !== "float32" || outputs % block !== 0) return undefined;
  if (!few && (channels % block !== 0 || !(group === 1 || depthwise))) return undefined;
  const operand = few ? layout.plain(x) : layout.blocked(x);
  const filter = blockedFilter(layout.plain(w), block);
  const at = { strides, dilations, pads: [...begins, ...ends], group };
  return asForms((extras) => blockedConv(operand, filter, bias && layout.plain(bias), { ...at, ...extras }));
};

/** x·slope + offset with one slope and one offset per channel, as a depthwise convolution with one tap: one pass, which may do more. */
function scaleShift(x: Expr, slope: Expr | undefined, offset: Expr | undefined): Forms {
  const channels = x.dims[1] as number;
  const filter = slope === undefined ? onesFilter(x) : reshape(slope, [channels, 1, 1, 1]);
  const shift = offset && reshape(offset, [channels]);
  return asForms((extras) => blockedConv(x, filter, shift, { group: channels, ...extras }));
}

function asForms(make: (extras: Extras) => Expr): Forms {
  return { blocked: make({}), remake: make };
}

const relu: Rewrite = (layout, { inputs }) => {
  const x = inputs[0] as Expr;
  if (!layout.isBlocked(x)) return undefined;
  const blocked = layout.remakeOf(x)?.({ activation: "Relu" });
  return { blocked: blocked ?? first(layout.target.op("Relu", [layout.blocked(x)])) };
};

/** Brings every normal positive number to 1 or more. */
const largest = 3.4e38;

/**
 * dy where y > 0, from the form in which Relu's rule writes it, as a product with a mask of floats. It takes half the time of Where, which
 * ONNX Runtime does not spread over threads. It would make NaN of an infinite dy; among convolutions training has failed by then.
 * The condition is a truth value, which has no blocked form: no other Where is known.
 */
const reluGradient: Rewrite = (layout, { inputs, outputs }) => {
  const [condition, dy, otherwise] = inputs as [Expr, Expr, Expr];
  const cast = layout.producerOf(condition);
  const y = cast?.node.op === "Cast" ? cast.inputs[0] : undefined;
  if (y === undefined || layout.producerOf(y)?.node.op !== "Relu" || !layout.isBlocked(y)) return undefined;
  if (otherwise.constant?.data[0] !== 0 || dy.dims.join() !== y.dims.join() || !layout.fillsBlocks(outputs[0])) {
    return undefined;
  }
  const mask = first(layout.target.op("HardSigmoid", [layout.blocked(y)], { alpha: float(largest), beta: float(0) }));
  return { blocked: mul(layout.blocked(dy), mask) };
};

const batchNorm: Rewrite = (layout, { node, inputs, outputs }) => {
  const [x, scale, bias, mean, variance] = inputs as [Expr, Expr, Expr, Expr, Expr];
  if (outputs.length > 1 || !layout.isBlocked(x) || !layout.fillsBlocks(x)) return undefined;
  const epsilon = new AttributeReader(node.attributes, node.name).float("epsilon", 1e-5);
  const slope = div(layout.plain(scale), sqrt(add(layout.plain(variance), epsilon)));
  return scaleShift(layout.blocked(x), slope, sub(layout.plain(bias), mul(slope, layout.plain(mean))));
};

const globalPool: Rewrite = (layout, { inputs }) =>
  layout.isBlocked(inputs[0]) ? { plain: blockedMean(layout.blocked(inputs[0] as Expr)) } : undefined;

/** Sums and means over both spatial axes. */
const overPositions: Rewrite = (layout, { node, inputs, outputs }) => {
  const [x, axes] = inputs as [Expr, Expr | undefined];
  const over = axes?.constant === undefined ? [] : Array.from(axes.constant.data as BigInt64Array, Number);
  if (x.dims.length !== 4 || over.join() !== "2,3" || !layout.isBlocked(x)) return undefined;
  const [, , height, width] = staticDims(x, x.name) as [number, number, number, number];
  const positions = height * width;
  const factors = factorsOf(layout, x);
  const dims = staticDims(outputs[0] as Expr, node.name);
  if (factors !== undefined) {
    const products = blockedProducts(layout.blocked(factors[0]), layout.blocked(factors[1]));
    return { plain: reshape(node.op === "ReduceSum" ? products : div(products, positions), dims) };
  }
  const mean = blockedMean(layout.blocked(x));
  return { plain: reshape(node.op === "ReduceSum" ? mul(mean, positions) : mean, dims) };
};

/** The two tensors of x's shape whose product x is, where nothing else reads it. */
function factorsOf(layout: Layout, x: Expr): [Expr, Expr] | undefined {
  const product = layout.producerOf(x);
  if (product?.node.op !== "Mul" || !layout.hasOneReader(x)) return undefined;
  const [a, b] = product.inputs as [Expr, Expr];
  return [a, b].every(({ dims }) => dims.join() === x.dims.join()) ? [a, b] : undefined;
}

/** Operators that treat every element alike; operands of one value or one per channel may be broadcast. */
const elementwise: Rewrite = (layout, { node, inputs, outputs }) => {
  const [operands, out] = [inputs as readonly Expr[], outputs[0] as Expr];
  if (!operands.some((x) => layout.isBlocked(x)) || !layout.fillsBlocks(out)) return undefined;
  const dims = staticDims(out, out.name) as [number, number, number, number];
  const whole = (x: Expr) => x.dims.join() === dims.join();
  const single = (x: Expr) => x.dims.every((size) => size === 1);
  const perChannel = (x: Expr) => [`1,${dims[1]},1,1`, `${dims[1]},1,1`].includes(x.dims.join());
  if (operands.every((x) => whole(x) || single(x))) {
    return operands.every(whole) ? (intoConvolution(layout, node.op, operands) ?? inOnePass()) : inOnePass();
  }
  return whole(operands[0] as Expr) && perChannel(operands[1] as Expr)
    ? withChannels(layout, node.op, operands[0] as Expr, operands[1] as Expr)
    : undefined;

  function inOnePass(): Forms {
    const arranged = operands.map((x) => (whole(x) ? layout.blocked(x) : layout.plain(x)));
    return { blocked: first(layout.target.op(node.op, arranged, node.attributes)) };
  }
};

/** A sum with what a convolution has made: the convolution adds to the other operand in place, when nothing else reads that. */
function intoConvolution(layout: Layout, op: string, [a, b]: readonly Expr[]): Forms | undefined {
  if (op !== "Add" || a === undefined || b === undefined || !layout.hasOneReader(a) || !layout.hasOneReader(b))
    return undefined;
  for (const [x, other] of [
    [b, a],
    [a, b],
  ] as const) {
    const remake = layout.remakeOf(x);
    const withOther = (extras: Extras) =>
      extras.sum === undefined ? remake?.({ ...extras, sum: layout.blocked(other) }) : undefined;
    const blocked = withOther({});
    if (blocked !== undefined) return { blocked, remake: withOther };
  }
  return undefined;
}

/** An operation of whole x with one number per channel. */
function withChannels(layout: Layout, op: string, x: Expr, channel: Expr): Forms | undefined {
  const [blocked, value] = [layout.blocked(x), layout.plain(channel)];
  switch (op) {
    case "Mul":
      return scaleShift(blocked, value, undefined);
    case "Div":
      return scaleShift(blocked, div(1, value), undefined);
    case "Add":
      return scaleShift(blocked, undefined, value);
    case "Sub":
      return scaleShift(blocked, undefined, neg(value));
    default:
      return undefined;
  }
}

const elementwiseOperators = [
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Max",
  "Min",
  "Neg",
  "Sigmoid",
  "Tanh",
  "HardSigmoid",
  "HardSwish",
  "LeakyRelu",
];

/** Regions with hand-written gradients end in it. */
const identity: Rewrite = (layout, { inputs }) => {
  const x = inputs[0] as Expr;
  if (!layout.isBlocked(x)) return undefined;
  const remake = layout.remakeOf(x);
  return { blocked: layout.blocked(x), ...(remake === undefined ? {} : { remake }) };
};

/** Rewrites by operator of the standard domain. */
export const rewrites: ReadonlyMap<string, Rewrite> = new Map<string, Rewrite>([
  ["Conv", convolution],
  ["Identity", identity],
  ["Relu", relu],
  ["Where", reluGradient],
  ["BatchNormalization", batchNorm],
  ["GlobalAveragePool", globalPool],
  ["ReduceMean", overPositions],
  ["ReduceSum", overPositions],
  ...elementwiseOperators.map((op) => [op, elementwise] as const),
]);
