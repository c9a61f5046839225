// LayerNormalization (opset 17), InstanceNormalization (opset 6), GroupNormalization (opset 18, 21), RMSNormalization (opset 23) and
// LpNormalization.
//
// The first three subtract a mean and divide by a deviation over some axes: h = r·(x - mean), r = 1/√(variance + epsilon), y = scale·h + B.
// With g = dy·scale and averages over those axes,
//
//   dx = r·( g - avg(g) - h·avg(g·h) ),      dscale = Σ dy·h,      dB = Σ dy
//
// GroupNormalization is the same on x as [N, groups, ...]. RMSNormalization leaves the mean out: dx = r·(g - h·avg(g·h)).
//
// LpNormalization divides by n = ‖x‖ along an axis: dx = (dy - s·Σ dy·y)/n with s = y for p = 2 and sign(x) for p = 1; 0 where n = 0.
import { ShapeError } from "../errors.js";
import { type Dim, formatDims } from "../onnx/types.js";
import {
  abs,
  add,
  cast,
  div,
  equal,
  expand,
  mean,
  mul,
  neg,
  reciprocal,
  reshape,
  sign,
  sqrt,
  square,
  sub,
  sum,
  sumTo,
  where,
} from "./expressions.js";
import { broadcastDims, normalizeAxis, operand, sameDims, staticDims } from "./shapes.js";
import type { Expr, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";

interface Normalized {
  /** r·(x - mean), or r·x */
  readonly h: Expr;
  readonly r: Expr;
  readonly axes: readonly number[];
}

function normalize(x: Expr, axes: readonly number[], epsilon: number, centre = true): Normalized {
  const centred = centre ? sub(x, mean(x, { axes, keep: true })) : x;
  const r = reciprocal(sqrt(add(mean(square(centred), { axes, keep: true }), epsilon)));
  return { h: mul(centred, r), r, axes };
}

/** dx from the gradient g of h. */
function throughStatistics({ h, r, axes }: Normalized, g: Expr, centre = true): Expr {
  const average = (x: Expr) => mean(x, { axes, keep: true });
  const straight = centre ? sub(g, average(g)) : g;
  return mul(r, sub(straight, mul(h, average(mul(g, h)))));
}

const axesFrom = (start: number, rank: number) => Array.from({ length: rank - start }, (_, at) => start + at);

function firstAxis(call: Pick<ShapeCall, "inputs" | "attributes" | "where">): number {
  return normalizeAxis(call.attributes.int("axis", -1), operand(call, 0).dims.length, call.where);
}

/** Scale and bias must broadcast to the normalized axes. */
function layerShape(call: ShapeCall): ValueType[] {
  const x = operand(call, 0);
  const axis = firstAxis(call);
  for (const parameter of [operand(call, 1), call.inputs[2]]) {
    if (parameter !== undefined && !sameDims(broadcastDims(x.dims, parameter.dims, call.where), x.dims)) {
      throw new ShapeError({
        where: call.where,
        expected: `scale and bias that broadcast to ${formatDims(x.dims.slice(axis))}`,
        received: formatDims(parameter.dims),
      });
    }
  }
  const statistics: ValueType = { dtype: "float32", dims: x.dims.map((dim, at): Dim => (at < axis ? dim : 1)) };
  return [{ dtype: x.dtype, dims: x.dims }, statistics, statistics].slice(0, call.outputCount);
}

function layerGradient(call: GradientCall): (Expr | undefined)[] {
  const [x, scale, bias] = call.inputs as [Expr, Expr, Expr | undefined];
  const [dy, dMean, dInverse] = call.outputGradients;
  const dims = staticDims(x, call.where);
  const axes = axesFrom(firstAxis(call), dims.length);
  const normalized = normalize(x, axes, call.attributes.float("epsilon", 1e-5));
  const count = axes.reduce((product, axis) => product * (dims[axis] as number), 1);
  const parts = [
    dy && throughStatistics(normalized, mul(dy, scale)),
    // The other two outputs are the mean and r: d mean = 1/n, d r = -r²·h/n.
    dMean && expand(div(cast(dMean, x.dtype), count), dims),
    dInverse && mul(normalized.h, div(mul(cast(dInverse, x.dtype), neg(square(normalized.r))), count)),
  ].filter((part) => part !== undefined);
  return [
    call.wanted[0] ? parts.reduce((a, b) => add(a, b)) : undefined,
    call.wanted[1] && dy ? sumTo(mul(dy, normalized.h), scale) : undefined,
    call.wanted[2] && dy && bias ? sumTo(dy, bias) : undefined,
  ];
}

/** [C] as [C, 1, ...] for an x of the given rank. */
const perChannel = (parameter: Expr, rank: number): Expr =>
  reshape(parameter, [...staticDims(parameter, parameter.name), ...Array<number>(rank - 2).fill(1)]);

function channelShape(call: ShapeCall, parameters: Dim): ValueType[] {
  const x = operand(call, 0);
  for (const parameter of [operand(call, 1), operand(call, 2)]) {
    if (x.dims.length < 3 || parameter.dims.length !== 1 || parameter.dims[0] !== parameters) {
      throw new ShapeError({
        where: call.where,
        expected: `input [N, C, ...] with scale and bias [${parameters}]`,
        received: `input ${formatDims(x.dims)} and ${formatDims(parameter.dims)}`,
      });
    }
  }
  return [{ dtype: x.dtype, dims: x.dims }];
}

function instanceGradient(call: GradientCall): (Expr | undefined)[] {
  const [x, scale] = call.inputs as [Expr, Expr];
  const dy = call.outputGradients[0] as Expr;
  const rank = x.dims.length;
  const axes = axesFrom(2, rank);
  const normalized = normalize(x, axes, call.attributes.float("epsilon", 1e-5));
  const perImage = (value: Expr) => sum(sum(value, { axes }), { axes: [0] });
  return [
    call.wanted[0] ? throughStatistics(normalized, mul(dy, perChannel(scale, rank))) : undefined,
    call.wanted[1] ? perImage(mul(dy, normalized.h)) : undefined,
    call.wanted[2] ? perImage(dy) : undefined,
  ];
}

function groupsOf(call: Pick<ShapeCall, "inputs" | "attributes" | "where">): number {
  const { dims } = operand(call, 0);
  const groups = call.attributes.int("num_groups");
  const channels = dims[1];
  if (groups < 1 || typeof channels !== "number" || channels % groups !== 0) {
    throw new ShapeError({
      where: call.where,
      expected: `a known number of channels that divides into ${groups} groups`,
      received: formatDims(dims),
    });
  }
  return groups;
}

/** Scale and bias have one entry per channel from opset 21 on, and one per group before. */
function groupGradient(call: GradientCall): (Expr | undefined)[] {
  const [x, scale] = call.inputs as [Expr, Expr];
  const dy = call.outputGradients[0] as Expr;
  const [images, channels, ...spatial] = staticDims(x, call.where) as [number, number, ...number[]];
  const groups = groupsOf(call);
  const positions = spatial.reduce((product, size) => product * size, 1);
  const parameters = staticDims(scale, call.where)[0] as number;
  // One row per entry of scale; the statistics are over whole groups.
  const rows = (value: Expr) => reshape(value, [images, parameters, (channels / parameters) * positions]);
  const grouped = (value: Expr) => reshape(value, [images, groups, (channels / groups) * positions]);
  const normalized = normalize(grouped(x), [2], call.attributes.float("epsilon", 1e-5));
  const g = mul(rows(dy), unsqueezeLast(scale));
  const total = (value: Expr) => sum(sum(rows(value), { axes: [2] }), { axes: [0] });
  return [
    call.wanted[0] ? reshape(throughStatistics(normalized, grouped(g)), [images, channels, ...spatial]) : undefined,
    call.wanted[1] ? total(mul(grouped(dy), normalized.h)) : undefined,
    call.wanted[2] ? total(dy) : undefined,
  ];
}

const unsqueezeLast = (x: Expr): Expr => reshape(x, [...staticDims(x, x.name), 1]);

function rootMeanSquareGradient(call: GradientCall): (Expr | undefined)[] {
  const [x, scale] = call.inputs as [Expr, Expr];
  const dy = call.outputGradients[0] as Expr;
  const axes = axesFrom(firstAxis(call), x.dims.length);
  const normalized = normalize(x, axes, call.attributes.float("epsilon", 1e-5), false);
  return [
    call.wanted[0] ? throughStatistics(normalized, mul(dy, scale), false) : undefined,
    call.wanted[1] ? sumTo(mul(dy, normalized.h), scale) : undefined,
  ];
}

function lpGradient(call: GradientCall): (Expr | undefined)[] {
  const [x, y, dy] = [call.inputs[0], call.outputs[0], call.outputGradients[0]] as [Expr, Expr, Expr];
  const axes = [firstAxis(call)];
  const p = call.attributes.int("p", 2);
  const total = (value: Expr) => sum(value, { axes, keep: true });
  const norm = p === 1 ? total(abs(x)) : sqrt(total(square(x)));
  const numerator = sub(dy, mul(p === 1 ? sign(x) : y, total(mul(dy, y))));
  return [where(equal(norm, 0), 0, div(numerator, norm))];
}

export const normalizations: readonly OperatorRule[] = [
  {
    op: "LayerNormalization",
    summary: {
      shape: "that of x; mean and 1/deviation with the normalized axes as 1",
      gradient: "through mean and variance",
    },
    shape: layerShape,
    gradient: layerGradient,
  },
  {
    op: "InstanceNormalization",
    summary: { shape: "that of x", gradient: "through mean and variance; sums of dy·h and dy per channel" },
    shape: (call) => channelShape(call, operand(call, 0).dims[1] ?? 1),
    gradient: instanceGradient,
  },
  {
    op: "GroupNormalization",
    summary: {
      shape: "that of x",
      gradient: "through mean and variance; sums of dy·h and dy per channel (opset 18: group)",
    },
    shape: (call) => {
      const groups = groupsOf(call);
      return channelShape(call, call.opset >= 21 ? (operand(call, 0).dims[1] ?? 1) : groups);
    },
    gradient: groupGradient,
  },
  {
    op: "RMSNormalization",
    summary: { shape: "that of x", gradient: "through the mean square; dy·h summed to scale" },
    shape: (call) => layerShape(call),
    gradient: rootMeanSquareGradient,
  },
  {
    op: "LpNormalization",
    summary: { shape: "that of x", gradient: "(dy - y·Σ dy·y)/‖x‖, sign(x) for y when p = 1; 0 where ‖x‖ = 0" },
    shape: (call) => {
      const { dtype, dims } = operand(call, 0);
      firstAxis(call);
      return [{ dtype, dims }];
    },
    gradient: lpGradient,
  },
];
