// Operators that only change how elements are laid out: Reshape, Flatten, Squeeze, Unsqueeze (opset 13 and up), Transpose, Expand, Tile.
//
// Reshaping is undone by reshaping. A transpose is undone by the inverse permutation. Expand and Tile copy elements, so their
// gradients sum over the copies.
import { ShapeError } from "../errors.js";
import { type Dim, elementCount, formatDims, type Tensor } from "../onnx/types.js";
import { reshape, sum, sumTo, transpose } from "./expressions.js";
import { indicesOf, pick, positionOf } from "./fold.js";
import { broadcastDims, constantIntegers, integersOf, normalizeAxis, operand, staticDims } from "./shapes.js";
import type { Expr, FoldCall, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";

/** An operator whose output has x's elements in x's order, in another shape. */
const relayout = (op: string, shape: string, infer: (call: ShapeCall) => Dim[]): OperatorRule => {
  const types = (call: ShapeCall): ValueType[] => [{ dtype: operand(call, 0).dtype, dims: infer(call) }];
  return {
    op,
    summary: { shape, gradient: "dy in the shape of x" },
    shape: types,
    gradient: ({ inputs, outputGradients, where }: GradientCall) => [
      reshape(outputGradients[0] as Expr, staticDims(inputs[0] as Expr, where)),
    ],
    fold: (call: FoldCall) => {
      const { dtype, data } = call.constants[0] as Tensor;
      return [{ dtype, data, dims: staticDims(types(call)[0] as ValueType, call.where) }];
    },
  };
};

/** Product of dimensions as a number times a multiset of symbols, so that symbols cancel. */
function sizeOf(dims: readonly Dim[]): { known: number; symbols: string[] } {
  return {
    known: elementCount(dims.filter((dim) => typeof dim === "number")),
    symbols: dims.filter((dim) => typeof dim === "string"),
  };
}

/** Target shape of Reshape: 0 copies the dimension of x (unless `allowzero`), one -1 takes what is left. */
function reshapeDims(call: ShapeCall): Dim[] {
  const x = operand(call, 0);
  const target = constantIntegers(call, 1, "shape");
  const allowZero = call.attributes.int("allowzero", 0) === 1;
  const refuse = (): never => {
    throw new ShapeError({
      where: call.where,
      expected: `a shape with as many elements as the input, ${formatDims(x.dims)}`,
      received: formatDims(target),
    });
  };
  if (target.filter((size) => size === -1).length > 1 || target.some((size) => size < -1)) refuse();
  const dims: Dim[] = target.map((size, axis) => {
    if (size !== 0 || allowZero) return size;
    return x.dims[axis] ?? refuse();
  });
  const from = sizeOf(x.dims);
  const to = sizeOf(dims.filter((dim) => dim !== -1));
  for (const symbol of to.symbols) from.symbols.splice(from.symbols.indexOf(symbol), 1);
  const open = dims.indexOf(-1);
  if (open < 0) {
    // A symbol left over takes whatever value makes the counts equal; only fully known counts can disagree.
    if (from.symbols.length === 0 && from.known !== to.known) refuse();
    return dims;
  }
  if (from.symbols.length === 1 && from.known === to.known) dims[open] = from.symbols[0] as string;
  else if (from.symbols.length > 0) {
    throw new ShapeError({
      where: call.where,
      expected: "a shape whose -1 can be computed",
      received: `input ${formatDims(x.dims)} and shape ${formatDims(target)}`,
      hint: "fix the model's input shape",
    });
  } else if (to.known === 0 || from.known % to.known !== 0) refuse();
  else dims[open] = from.known / to.known;
  return dims;
}

function flattenDims(call: ShapeCall): Dim[] {
  const { dims } = operand(call, 0);
  const axis = call.attributes.int("axis", 1);
  // Unlike elsewhere, axis = rank is allowed: the result is [all, 1].
  const at = axis === dims.length ? axis : normalizeAxis(axis, dims.length, call.where);
  const collapse = (part: readonly Dim[]): Dim => {
    const { known, symbols } = sizeOf(part);
    if (symbols.length === 0) return known;
    if (symbols.length === 1 && known === 1) return symbols[0] as string;
    throw new ShapeError({
      where: call.where,
      expected: "known dimensions to flatten",
      received: formatDims(dims),
      hint: "fix the model's input shape",
    });
  };
  return [collapse(dims.slice(0, at)), collapse(dims.slice(at))];
}

function squeezeDims(call: ShapeCall): Dim[] {
  const { dims } = operand(call, 0);
  if (call.inputs[1] === undefined) return staticDims(operand(call, 0), call.where).filter((size) => size !== 1);
  const axes = constantIntegers(call, 1, "axes").map((axis) => normalizeAxis(axis, dims.length, call.where));
  for (const axis of axes) {
    const dim = dims[axis];
    if (typeof dim === "number" && dim !== 1) {
      throw new ShapeError({
        where: call.where,
        expected: `axis ${axis} to have size 1 so that it can be removed`,
        received: formatDims(dims),
      });
    }
  }
  return dims.filter((_, axis) => !axes.includes(axis));
}

function unsqueezeDims(call: ShapeCall): Dim[] {
  const { dims } = operand(call, 0);
  const given = constantIntegers(call, 1, "axes");
  const rank = dims.length + given.length;
  const axes = new Set(given.map((axis) => normalizeAxis(axis, rank, call.where)));
  if (axes.size !== given.length) {
    throw new ShapeError({ where: call.where, expected: "axes that differ", received: formatDims(given) });
  }
  const left = [...dims];
  return Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : (left.shift() as Dim)));
}

function permutationOf(call: Pick<ShapeCall, "inputs" | "attributes" | "where">): readonly number[] {
  const { dims } = operand(call, 0);
  const axes = dims.map((_, axis) => axis);
  const order = call.attributes.ints("perm", axes.toReversed());
  if (axes.join() !== [...order].sort((a, b) => a - b).join()) {
    throw new ShapeError({
      where: call.where,
      expected: `perm to hold each axis of ${formatDims(dims)} once`,
      received: formatDims(order),
    });
  }
  return order;
}

const transposeRule: OperatorRule = {
  op: "Transpose",
  summary: { shape: "dimensions in the order of perm", gradient: "dy transposed back" },
  shape: (call) => {
    const x = operand(call, 0);
    return [{ dtype: x.dtype, dims: permutationOf(call).map((axis) => x.dims[axis] as Dim) }];
  },
  gradient: (call) => {
    const order = permutationOf(call);
    return [
      transpose(
        call.outputGradients[0] as Expr,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ];
  },
  fold: (call) => {
    const x = call.constants[0] as Tensor;
    const order = permutationOf(call);
    const dims = order.map((axis) => x.dims[axis] as number);
    const sources = Array.from(indicesOf(dims), (index) =>
      positionOf(
        order.map((_, axis) => index[order.indexOf(axis)] as number),
        x.dims,
      ),
    );
    return [pick(x, dims, sources)];
  },
};

const expandRule: OperatorRule = {
  op: "Expand",
  summary: { shape: "broadcast of x and the given shape", gradient: "dy summed over the copies" },
  shape: (call) => {
    const x = operand(call, 0);
    return [{ dtype: x.dtype, dims: broadcastDims(x.dims, constantIntegers(call, 1, "shape"), call.where) }];
  },
  gradient: ({ inputs, outputGradients }) => [sumTo(outputGradients[0] as Expr, inputs[0] as Expr)],
  fold: (call) => {
    const x = call.constants[0] as Tensor;
    const dims = broadcastDims(x.dims, integersOf(call.constants[1] as Tensor), call.where) as number[];
    return [
      pick(
        x,
        dims,
        Array.from(indicesOf(dims), (index) => positionOf(index, x.dims)),
      ),
    ];
  },
};

function repeatsOf(call: Pick<ShapeCall, "inputs" | "where">): number[] {
  const { dims } = operand(call, 0);
  const repeats = constantIntegers(call, 1, "repeats");
  if (repeats.length !== dims.length || repeats.some((count) => count < 0)) {
    throw new ShapeError({
      where: call.where,
      expected: `one count ≥ 0 for each axis of ${formatDims(dims)}`,
      received: formatDims(repeats),
    });
  }
  return repeats;
}

const tileRule: OperatorRule = {
  op: "Tile",
  summary: { shape: "each dimension times its repeats", gradient: "dy summed over the copies" },
  shape: (call) => {
    const x = operand(call, 0);
    const repeats = repeatsOf(call);
    const dims = x.dims.map((dim, axis) => {
      const count = repeats[axis] as number;
      return count === 1 ? dim : (staticDims({ dtype: x.dtype, dims: [dim] }, call.where)[0] as number) * count;
    });
    return [{ dtype: x.dtype, dims }];
  },
  gradient: (call) => {
    const dims = staticDims(call.inputs[0] as Expr, call.where);
    const repeats = repeatsOf(call);
    // One axis of copies before each repeated axis, then the sum over all of them.
    const split: number[] = [];
    const copies: number[] = [];
    dims.forEach((size, axis) => {
      const count = repeats[axis] as number;
      if (count !== 1) {
        copies.push(split.length);
        split.push(count);
      }
      split.push(size);
    });
    return [sum(reshape(call.outputGradients[0] as Expr, split), { axes: copies })];
  },
};

export const reshaping: readonly OperatorRule[] = [
  relayout("Reshape", "the given shape; 0 copies a dimension, -1 takes the rest", reshapeDims),
  relayout("Flatten", "[axes before `axis`, the others]", flattenDims),
  relayout("Squeeze", "without the given axes of size 1", squeezeDims),
  relayout("Unsqueeze", "with new axes of size 1", unsqueezeDims),
  transposeRule,
  expandRule,
  tileRule,
];
