// Cutting and joining along axes: Concat (opset 13), Split (opset 18), Slice (opset 13).
//
// They are each other's gradients: dy of Concat is cut up, dy of Split is joined, dy of Slice is padded with zeros to where it came from.
// Of a slice with steps, the elements in between were not used: zeros go between those of dy first, and a negative step reverses it.
import { ShapeError } from "../errors.js";
import { type Dim, elementCount, formatDims, type Tensor } from "../onnx/types.js";
import { concat, filledLike, pad, reshape, slice } from "./expressions.js";
import { chain, indicesOf, pick } from "./fold.js";
import { constantIntegers, normalizeAxis, operand, staticDims } from "./shapes.js";
import type { Expr, OperatorRule, ShapeCall, ValueType } from "./types.js";

type Call = Pick<ShapeCall, "inputs" | "attributes" | "where">;

const withSize = <D extends Dim>(dims: readonly D[], axis: number, size: D): D[] =>
  dims.map((dim, at) => (at === axis ? size : dim));

function sizeAt({ dtype, dims }: ValueType, axis: number, where: string): number {
  return staticDims({ dtype, dims: [dims[axis] as Dim] }, where)[0] as number;
}

function concatShape(call: ShapeCall): ValueType[] {
  const head = operand(call, 0);
  const axis = normalizeAxis(call.attributes.int("axis"), head.dims.length, call.where);
  const parts = call.inputs.map((_, index) => operand(call, index));
  if (parts.length === 1) return [{ dtype: head.dtype, dims: head.dims }];
  let dims: Dim[] = [...head.dims];
  for (const part of parts) {
    const fits =
      part.dtype === head.dtype &&
      part.dims.length === dims.length &&
      part.dims.every((dim, at) => {
        const other = dims[at];
        return at === axis || dim === other || typeof dim === "string" || typeof other === "string";
      });
    if (!fits) {
      throw new ShapeError({
        where: call.where,
        expected: `parts of one type that differ only along axis ${axis}`,
        received: parts.map((x) => `${x.dtype} ${formatDims(x.dims)}`).join(" and "),
      });
    }
    // Where one part names a dimension and another knows it, it is known.
    dims = dims.map((dim, at) => (typeof dim === "string" ? (part.dims[at] as Dim) : dim));
  }
  const size = parts.reduce((sum, part) => sum + sizeAt(part, axis, call.where), 0);
  return [{ dtype: head.dtype, dims: withSize(dims, axis, size) }];
}

const concatRule: OperatorRule = {
  op: "Concat",
  summary: { shape: "sizes added along the axis", gradient: "the part's slice of dy" },
  shape: concatShape,
  gradient: ({ inputs, attributes, outputGradients, wanted, where }) => {
    const dy = outputGradients[0] as Expr;
    const axis = normalizeAxis(attributes.int("axis"), dy.dims.length, where);
    if (inputs.length === 1) return [dy];
    let end = 0;
    return inputs.map((x, index) => {
      const start = end;
      end += sizeAt(x as Expr, axis, where);
      return wanted[index] ? slice(dy, { axes: [axis], starts: [start], ends: [end] }) : undefined;
    });
  },
  fold: (call) => {
    const [type] = concatShape(call) as [ValueType];
    const dims = staticDims(type, call.where);
    const axis = normalizeAxis(call.attributes.int("axis"), dims.length, call.where);
    const parts = call.constants as readonly Tensor[];
    // All elements one part after the other; each repetition of the outer axes then takes one block of every part.
    const outer = elementCount(dims.slice(0, axis));
    const sources: number[] = [];
    for (let repetition = 0; repetition < outer; repetition++) {
      let offset = 0;
      for (const part of parts) {
        const block = part.data.length / outer;
        for (let at = 0; at < block; at++) sources.push(offset + repetition * block + at);
        offset += part.data.length;
      }
    }
    return [pick(chain(parts), dims, sources)];
  },
};

/** Sizes of the parts: given as an input, or equal but for a smaller last one. */
function splitSizes(call: Call & { readonly outputCount: number }): { axis: number; sizes: number[] } {
  const x = operand(call, 0);
  const axis = normalizeAxis(call.attributes.int("axis", 0), x.dims.length, call.where);
  const size = sizeAt(x, axis, call.where);
  if (call.inputs[1] === undefined) {
    const count = call.attributes.int("num_outputs", call.outputCount);
    if (count !== call.outputCount) {
      throw new ShapeError({
        where: call.where,
        expected: `num_outputs to be the number of outputs, ${call.outputCount}`,
        received: String(count),
      });
    }
    const each = Math.ceil(size / count);
    const sizes = Array.from({ length: count }, (_, index) => Math.max(0, Math.min(each, size - index * each)));
    return { axis, sizes };
  }
  const sizes = constantIntegers(call, 1, "split");
  if (sizes.some((part) => part < 0) || sizes.reduce((sum, part) => sum + part, 0) !== size) {
    throw new ShapeError({
      where: call.where,
      expected: `sizes that add up to ${size}, the size of axis ${axis}`,
      received: formatDims(sizes),
    });
  }
  return { axis, sizes };
}

const splitRule: OperatorRule = {
  op: "Split",
  summary: { shape: "the given or equal sizes along the axis", gradient: "dys joined; zeros for unused outputs" },
  shape: (call) => {
    const { dtype, dims } = operand(call, 0);
    const { axis, sizes } = splitSizes(call);
    if (sizes.length !== call.outputCount) {
      throw new ShapeError({
        where: call.where,
        expected: `${sizes.length} outputs`,
        received: String(call.outputCount),
      });
    }
    return sizes.map((size) => ({ dtype, dims: withSize(dims, axis, size) }));
  },
  gradient: (call) => {
    const { axis } = splitSizes({ ...call, outputCount: call.outputs.length });
    return [
      concat(
        call.outputs.map((output, index) => call.outputGradients[index] ?? filledLike(output, 0)),
        axis,
      ),
    ];
  },
  fold: (call) => {
    const x = call.constants[0] as Tensor;
    const { axis, sizes } = splitSizes(call);
    let end = 0;
    return sizes.map((size) => {
      const start = end;
      end += size;
      return cut(x, [{ axis, size: x.dims[axis] as number, start, step: 1, count: size }]);
    });
  },
};

/** Elements `start, start + step, …` of one axis, `count` of them. */
interface Cut {
  readonly axis: number;
  readonly size: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

function cut(x: Tensor, cuts: readonly Cut[]): Tensor {
  const dims = x.dims.map((size, axis) => cuts.find((c) => c.axis === axis)?.count ?? size);
  const sources = Array.from(indicesOf(dims), (index) =>
    x.dims.reduce((position, size, axis) => {
      const c = cuts.find((each) => each.axis === axis);
      const at = index[axis] as number;
      return position * size + (c === undefined ? at : c.start + at * c.step);
    }, 0),
  );
  return pick(x, dims, sources);
}

/** Largest int32 and int64 as numbers. */
const farthest: readonly number[] = [2 ** 31 - 1, 2 ** 63];

/** What a Slice takes of each axis it names. An axis taken whole is left out, so that its dimension need not be known. */
function cutsOf(call: Pick<ShapeCall, "inputs" | "where">): Cut[] {
  const x = operand(call, 0);
  const starts = constantIntegers(call, 1, "starts");
  const ends = constantIntegers(call, 2, "ends");
  const axes = call.inputs[3] === undefined ? starts.map((_, axis) => axis) : constantIntegers(call, 3, "axes");
  const steps = call.inputs[4] === undefined ? starts.map(() => 1) : constantIntegers(call, 4, "steps");
  if ([ends, axes, steps].some((list) => list.length !== starts.length) || steps.includes(0)) {
    throw new ShapeError({
      where: call.where,
      expected: "as many ends, axes and steps as starts, and no step 0",
      received: `starts ${formatDims(starts)}, ends ${formatDims(ends)}, axes ${formatDims(axes)}, steps ${formatDims(steps)}`,
    });
  }
  return axes.flatMap((given, index) => {
    const axis = normalizeAxis(given, x.dims.length, call.where);
    const [from, to, step] = [starts[index] as number, ends[index] as number, steps[index] as number];
    if (from === 0 && to >= 2 ** 31 - 1 && step === 1) return [];
    const size = sizeAt(x, axis, call.where);
    const clamp = (position: number, low: number, high: number) =>
      Math.min(Math.max(position < 0 ? position + size : position, low), high);
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const start = clamp(from, Math.max(low, 0), Math.max(high, 0));
    // ONNX Runtime takes the largest integers for "to the end", which is the front for a negative step; ONNX clamps them.
    const end = farthest.includes(to) ? (step > 0 ? size : -1) : clamp(to, low, high);
    return [{ axis, size, start, step, count: Math.max(0, Math.ceil((end - start) / step)) }];
  });
}

/** dy of a slice, back among zeros: at most one reversal, one spreading and one padding for all axes together. */
function unslice(dy: Expr, x: Expr, cuts: readonly Cut[]): Expr {
  if (cuts.some(({ count }) => count === 0)) return filledLike(x, 0);
  const reversed = cuts.filter(({ step, count }) => step < 0 && count > 1);
  const forward =
    reversed.length === 0
      ? dy
      : slice(dy, {
          axes: reversed.map(({ axis }) => axis),
          starts: reversed.map(() => -1),
          ends: reversed.map(() => -(2 ** 31)),
          steps: reversed.map(() => -1),
        });
  const dims = staticDims(forward, forward.name);
  const strideOf = (axis: number) => {
    const c = cuts.find((each) => each.axis === axis);
    return c === undefined || c.count === 1 ? 1 : Math.abs(c.step);
  };
  // [n] → [n, 1] → [n, stride] → [n·stride]
  const inner = dims.flatMap((size, axis) => (strideOf(axis) > 1 ? [size, 1] : [size]));
  const gaps = dims.flatMap((_, axis) => (strideOf(axis) > 1 ? [0, strideOf(axis) - 1] : [0]));
  const spread = reshape(
    pad(reshape(forward, inner), [...gaps.map(() => 0), ...gaps]),
    dims.map((size, axis) => size * strideOf(axis)),
  );
  const begins = dims.map(() => 0);
  const ends = dims.map(() => 0);
  for (const { axis, size, start, step, count } of cuts) {
    const lowest = step > 0 ? start : start + (count - 1) * step;
    begins[axis] = lowest;
    // Negative where the zeros after the last element reach beyond x: Pad then crops.
    ends[axis] = size - lowest - count * strideOf(axis);
  }
  return pad(spread, [...begins, ...ends]);
}

const sliceRule: OperatorRule = {
  op: "Slice",
  summary: { shape: "what is left of each axis, bounds clamped", gradient: "dy among zeros" },
  shape: (call) => {
    const { dtype, dims } = operand(call, 0);
    return [
      { dtype, dims: cutsOf(call).reduce((sofar, { axis, count }) => withSize<Dim>(sofar, axis, count), [...dims]) },
    ];
  },
  gradient: (call) => [unslice(call.outputGradients[0] as Expr, call.inputs[0] as Expr, cutsOf(call))],
  fold: (call) => [cut(call.constants[0] as Tensor, cutsOf(call))],
};

export const joining: readonly OperatorRule[] = [concatRule, splitRule, sliceRule];
