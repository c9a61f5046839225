// Reading and writing by index: Gather, GatherElements, GatherND (opset 13), ScatterElements, ScatterND (opset 18).
//
// What is read several times receives several gradients: the transpose of gathering is scattering with addition, which is right for
// repeated and for negative indices. ScatterElements adds one element after the other. ScatterND of ONNX Runtime 1.30 adds from several
// threads at once and loses additions to the same place (400000 ones once summed to 203484), so gradients do not use it.
//
// The two scatters overwrite or add. Where they overwrite, two updates of one place have no defined order, and no defined gradient.
import { ShapeError, UnsupportedError } from "../errors.js";
import { type Dim, elementCount, formatDims, int, type Tensor, text } from "../onnx/types.js";
import {
  add,
  expand,
  filledLike,
  first,
  integers,
  less,
  mul,
  pad,
  reshape,
  scalar,
  sum,
  where,
} from "./expressions.js";
import { pick } from "./fold.js";
import { integersOf, normalizeAxis, operand, sameDims, staticDims } from "./shapes.js";
import type { Expr, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";

/** Adds `updates` into zeros of shape `dims`, along one axis, at `indices` of the shape of `updates`. */
export function scatterAdd(dims: readonly number[], indices: Expr, updates: Expr, axis: number): Expr {
  const { builder, dtype } = updates;
  const zeros = expand(scalar(builder, 0, dtype), dims);
  const attributes = { axis: int(axis), reduction: text("add") };
  return first(builder.op("ScatterElements", [zeros, indices, updates], attributes));
}

function requireIndices(call: ShapeCall, index: number): void {
  const { dtype } = operand(call, index);
  if (dtype !== "int32" && dtype !== "int64") {
    throw new ShapeError({ where: call.where, expected: "int32 or int64 indices", received: dtype });
  }
}

const axisOf = (call: Pick<ShapeCall, "inputs" | "attributes" | "where">): number =>
  normalizeAxis(call.attributes.int("axis", 0), operand(call, 0).dims.length, call.where);

function gatherShape(call: ShapeCall): ValueType[] {
  const [x, indices] = [operand(call, 0), operand(call, 1)];
  requireIndices(call, 1);
  const axis = axisOf(call);
  return [{ dtype: x.dtype, dims: [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)] }];
}

function gatherGradient(call: GradientCall): Expr {
  const [x, indices] = call.inputs as [Expr, Expr];
  const dims = staticDims(x, call.where);
  const axis = axisOf(call);
  const count = elementCount(staticDims(indices, call.where));
  const rows = reshape(
    call.outputGradients[0] as Expr,
    dims.map((size, at) => (at === axis ? count : size)),
  );
  const known = indices.constant === undefined ? undefined : integersOf(indices.constant);
  if (known?.length === 1) {
    // One known index, such as the class token of a transformer: only zeros around it.
    const size = dims[axis] as number;
    const at = ((known[0] as number) + size) % size;
    const before = dims.map((_, each) => (each === axis ? at : 0));
    const after = dims.map((_, each) => (each === axis ? size - 1 - at : 0));
    return pad(rows, [...before, ...after]);
  }
  const column = reshape(
    indices,
    dims.map((_, at) => (at === axis ? count : 1)),
  );
  return scatterAdd(dims, expand(column, staticDims(rows, call.where)), rows, axis);
}

const gatherRule: OperatorRule = {
  op: "Gather",
  summary: { shape: "the axis replaced by the shape of the indices", gradient: "dy scattered, repeated indices added" },
  shape: gatherShape,
  gradient: (call) => [gatherGradient(call)],
  fold: (call) => {
    const [x, indices] = call.constants as [Tensor, Tensor];
    const axis = axisOf(call);
    const size = x.dims[axis] as number;
    const outer = elementCount(x.dims.slice(0, axis));
    const inner = elementCount(x.dims.slice(axis + 1));
    const rows = integersOf(indices).map((index) => (index < 0 ? index + size : index));
    const outside = rows.findIndex((row) => row < 0 || row >= size);
    if (outside >= 0) {
      throw new ShapeError({
        where: call.where,
        expected: `indices in [${-size}, ${size - 1}]`,
        received: String(integersOf(indices)[outside]),
      });
    }
    const sources: number[] = [];
    for (let block = 0; block < outer; block++) {
      for (const row of rows) {
        for (let at = 0; at < inner; at++) sources.push((block * size + row) * inner + at);
      }
    }
    return [pick(x, staticDims(gatherShape(call)[0] as ValueType, call.where), sources)];
  },
};

const gatherElementsRule: OperatorRule = {
  op: "GatherElements",
  summary: { shape: "that of the indices", gradient: "dy scattered, repeated indices added" },
  shape: (call) => {
    const [x, indices] = [operand(call, 0), operand(call, 1)];
    requireIndices(call, 1);
    axisOf(call);
    requireRank(call, indices, x.dims.length, "indices");
    return [{ dtype: x.dtype, dims: indices.dims }];
  },
  gradient: (call) => {
    const [x, indices] = call.inputs as [Expr, Expr];
    return [scatterAdd(staticDims(x, call.where), indices, call.outputGradients[0] as Expr, axisOf(call))];
  },
};

function requireRank(call: ShapeCall, value: ValueType, rank: number, what: string): void {
  if (value.dims.length !== rank) {
    throw new ShapeError({
      where: call.where,
      expected: `${what} of rank ${rank}`,
      received: `shape ${formatDims(value.dims)}`,
    });
  }
}

/** The parts of the shapes of GatherND and ScatterND: indices [...lead, depth] address `depth` axes after the batch axes. */
function depthOf(call: Pick<ShapeCall, "inputs" | "where">, batch: number): { lead: readonly Dim[]; depth: number } {
  const [x, indices] = [operand(call, 0), operand(call, 1)];
  const depth = indices.dims.at(-1);
  if (typeof depth !== "number" || depth < 1 || batch + depth > x.dims.length) {
    throw new ShapeError({
      where: call.where,
      expected: `indices whose last axis has 1 to ${x.dims.length - batch} entries for data ${formatDims(x.dims)}`,
      received: formatDims(indices.dims),
    });
  }
  return { lead: indices.dims.slice(0, -1), depth };
}

/** dy of GatherND, scattered into the data seen as rows: one row for each place that an index can name. */
function gatherNDGradient(call: GradientCall): Expr {
  const [x, indices] = call.inputs as [Expr, Expr];
  const batch = call.attributes.int("batch_dims", 0);
  const { depth } = depthOf(call, batch);
  const dims = staticDims(x, call.where);
  const lead = staticDims(indices, call.where).slice(0, -1);
  const addressed = dims.slice(batch, batch + depth);
  const strides = addressed.map((_, axis) => elementCount(addressed.slice(axis + 1)));
  const wrapped = where(less(indices, 0), add(indices, integers(x.builder, addressed)), indices);
  const within = sum(mul(wrapped, integers(x.builder, strides)), { axes: [lead.length] });
  // Each batch has its own block of rows.
  const batches = elementCount(dims.slice(0, batch));
  const blocks = Array.from({ length: batches }, (_, index) => index * elementCount(addressed));
  const shape = [...lead.slice(0, batch), ...lead.slice(batch).map(() => 1)];
  const row = batches === 1 ? within : add(within, reshape(integers(x.builder, blocks), shape));
  const [rows, width] = [elementCount(lead), elementCount(dims.slice(batch + depth))];
  const updates = reshape(call.outputGradients[0] as Expr, [rows, width]);
  const table = [batches * elementCount(addressed), width];
  return reshape(scatterAdd(table, expand(reshape(row, [rows, 1]), [rows, width]), updates, 0), dims);
}

const gatherNDRule: OperatorRule = {
  op: "GatherND",
  summary: {
    shape: "leading axes of the indices, then those they do not address",
    gradient: "dy scattered, repeated indices added",
  },
  shape: (call) => {
    const x = operand(call, 0);
    requireIndices(call, 1);
    const batch = call.attributes.int("batch_dims", 0);
    const { lead, depth } = depthOf(call, batch);
    return [{ dtype: x.dtype, dims: [...lead, ...x.dims.slice(batch + depth)] }];
  },
  gradient: (call) => [gatherNDGradient(call)],
};

/** Gradients of both scatters: dy where nothing was overwritten, and dy read at the indices. */
const scatterRule = (op: string, read: string, requireFit: (call: ShapeCall) => void): OperatorRule => ({
  op,
  summary: { shape: "that of the data", gradient: "dy, with 0 where it was overwritten; dy read at the indices" },
  shape: (call) => {
    const { dtype, dims } = operand(call, 0);
    requireIndices(call, 1);
    requireFit(call);
    return [{ dtype, dims }];
  },
  gradient: ({ builder, inputs, attributes, outputGradients, wanted, where: node }) => {
    const [, indices, updates] = inputs as [Expr, Expr, Expr];
    const dy = outputGradients[0] as Expr;
    const reduction = attributes.string("reduction", "none");
    if (reduction !== "none" && reduction !== "add") {
      throw new UnsupportedError({
        where: node,
        expected: 'reduction "none" or "add" for a gradient',
        received: `"${reduction}"`,
      });
    }
    const along = op === "ScatterElements" ? { axis: int(attributes.int("axis", 0)) } : {};
    const kept = () => (reduction === "add" ? dy : first(builder.op(op, [dy, indices, filledLike(updates, 0)], along)));
    return [
      wanted[0] ? kept() : undefined,
      undefined,
      wanted[2] ? first(builder.op(read, [dy, indices], along)) : undefined,
    ];
  },
});

function requireElements(call: ShapeCall): void {
  const [x, indices, updates] = [operand(call, 0), operand(call, 1), operand(call, 2)];
  axisOf(call);
  requireRank(call, indices, x.dims.length, "indices");
  requireDims(call, updates, indices.dims);
}

function requireBlocks(call: ShapeCall): void {
  const { lead, depth } = depthOf(call, 0);
  requireDims(call, operand(call, 2), [...lead, ...operand(call, 0).dims.slice(depth)]);
}

function requireDims(call: ShapeCall, updates: ValueType, dims: readonly Dim[]): void {
  if (!sameDims(updates.dims, dims)) {
    throw new ShapeError({
      where: call.where,
      expected: `updates ${formatDims(dims)}`,
      received: formatDims(updates.dims),
    });
  }
}

export const gathering: readonly OperatorRule[] = [
  gatherRule,
  gatherElementsRule,
  gatherNDRule,
  scatterRule("ScatterElements", "GatherElements", requireElements),
  scatterRule("ScatterND", "GatherND", requireBlocks),
];
