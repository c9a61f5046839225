// Reductions.   ONNX opset 18: ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, ReduceLogSumExp, ReduceLogSum, ReduceL1,
// ReduceL2, ReduceSumSquare; ArgMax, ArgMin (opset 13).
//
// A reduction copies x into one number along some axes, so its gradient stretches dy back over them. Everything that can be
// computed on the reduced shape is; the full shape is touched once, or twice where the derivative depends on x.
//
// Ties and singular points, all as PyTorch decides them: ReduceMax and ReduceMin split the gradient evenly among the elements that
// tie (torch.amax); ReduceL1 and ReduceL2 give 0 at 0; ReduceProd is exact where elements are 0.
import type { Dim, Tensor } from "../onnx/types.js";
import {
  add,
  div,
  equal,
  exp,
  expand,
  indicator,
  mul,
  reduceProd,
  reshape,
  sign,
  sub,
  sum,
  where,
} from "./expressions.js";
import { indicesOf, isComputable, largerOf, positionOf, smallerOf, tensorFrom, type Value, valuesOf } from "./fold.js";
import { constantIntegers, normalizeAxis, operand, staticDims } from "./shapes.js";
import type { Expr, FoldCall, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";

/** The axes a call reduces, ascending; all of them when none are given, unless `noop_with_empty_axes` says none. */
function reducedAxes(call: Pick<ShapeCall, "inputs" | "where" | "attributes">): number[] {
  const { dims } = operand(call, 0);
  const given = call.inputs[1] === undefined ? [] : constantIntegers(call, 1, "axes");
  if (given.length === 0) {
    return call.attributes.int("noop_with_empty_axes", 0) === 1 ? [] : dims.map((_, axis) => axis);
  }
  return [...new Set(given.map((axis) => normalizeAxis(axis, dims.length, call.where)))].sort((a, b) => a - b);
}

function reducedDims(dims: readonly Dim[], axes: readonly number[], keep: boolean): Dim[] {
  return keep
    ? dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
    : dims.filter((_, axis) => !axes.includes(axis));
}

function reduceShape(call: ShapeCall): ValueType[] {
  const x = operand(call, 0);
  const keep = call.attributes.int("keepdims", 1) === 1;
  return [{ dtype: x.dtype, dims: reducedDims(x.dims, reducedAxes(call), keep) }];
}

/** What the gradient of a reduction starts from: x, and y and dy with the reduced axes kept as size 1. */
interface Reduced {
  readonly x: Expr;
  readonly y: Expr;
  readonly dy: Expr;
  readonly axes: readonly number[];
  /** Number of elements that each output sums up. */
  readonly count: number;
}

const reduction = (
  op: string,
  gradient: string,
  rule: (reduced: Reduced) => Expr,
  foldStep?: (a: Value, b: Value) => Value,
): OperatorRule => ({
  op,
  summary: { shape: "reduced axes become 1, or go away without keepdims", gradient },
  shape: reduceShape,
  gradient: (call: GradientCall) => {
    const [x] = call.inputs as [Expr];
    const dims = staticDims(x, call.where);
    const axes = reducedAxes(call);
    const kept = dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const dx = rule({
      x,
      y: reshape(call.outputs[0] as Expr, kept),
      dy: reshape(call.outputGradients[0] as Expr, kept),
      axes,
      count: axes.reduce((product, axis) => product * (dims[axis] as number), 1),
    });
    return [expand(dx, dims)];
  },
  ...(foldStep === undefined ? {} : { fold: (call: FoldCall) => foldReduction(call, foldStep) }),
});

function foldReduction(call: FoldCall, step: (a: Value, b: Value) => Value): Tensor[] | undefined {
  const x = call.constants[0] as Tensor;
  const [type] = reduceShape(call) as [ValueType];
  if (!isComputable(x.dtype) || x.dims.includes(0)) return undefined;
  const axes = reducedAxes(call);
  const kept = x.dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const results: Value[] = [];
  const values = valuesOf(x);
  let position = 0;
  for (const index of indicesOf(x.dims)) {
    const at = positionOf(index, kept);
    const value = values[position++] as Value;
    const sofar = results[at];
    results[at] = sofar === undefined ? value : step(sofar, value);
  }
  return [tensorFrom(x.dtype, staticDims(type, call.where), results)];
}

/** dy shared evenly among the elements that equal the extremum. */
function extremum({ x, y, dy, axes }: Reduced): Expr {
  const ties = indicator(equal(x, y), x.dtype);
  return mul(ties, div(dy, sum(ties, { axes, keep: true })));
}

/** Product of the other elements: y / x, but where elements are 0 the product of those that are not. */
function product({ x, dy, axes }: Reduced): Expr {
  const isZero = equal(x, 0);
  const nonZero = where(isZero, 1, x);
  const zeros = sum(indicator(isZero, x.dtype), { axes, keep: true });
  const scaled = mul(dy, reduceProd(nonZero, { axes, keep: true }));
  // One zero: only its own derivative is not 0. Two or more: all are.
  return where(isZero, where(equal(zeros, 1), scaled, 0), div(where(equal(zeros, 0), scaled, 0), nonZero));
}

const asNumbers =
  (compute: (a: number, b: number) => number, exact: (a: bigint, b: bigint) => bigint) =>
  (a: Value, b: Value): Value =>
    typeof a === "bigint" ? exact(a, b as bigint) : compute(a, b as number);

function argShape(call: ShapeCall): ValueType[] {
  const { dims } = operand(call, 0);
  const axis = normalizeAxis(call.attributes.int("axis", 0), dims.length, call.where);
  return [{ dtype: "int64", dims: reducedDims(dims, [axis], call.attributes.int("keepdims", 1) === 1) }];
}

const argRule = (op: string): OperatorRule => ({
  op,
  summary: { shape: "the reduced axis becomes 1, or goes away without keepdims; int64", gradient: "none" },
  shape: argShape,
  gradient: { none: "the output is an index" },
});

export const reductions: readonly OperatorRule[] = [
  reduction(
    "ReduceSum",
    "dy, stretched",
    ({ dy }) => dy,
    asNumbers(
      (a, b) => a + b,
      (a, b) => a + b,
    ),
  ),
  reduction("ReduceMean", "dy/n, stretched", ({ dy, count }) => div(dy, count)),
  reduction("ReduceMax", "dy, split evenly among ties", extremum, largerOf),
  reduction("ReduceMin", "dy, split evenly among ties", extremum, smallerOf),
  reduction(
    "ReduceProd",
    "dy·(product of the others)",
    product,
    asNumbers(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  ),
  reduction("ReduceLogSumExp", "dy·exp(x - y)", ({ x, y, dy }) => mul(dy, exp(sub(x, y)))),
  reduction("ReduceLogSum", "dy/exp(y), stretched", ({ y, dy }) => div(dy, exp(y))),
  reduction("ReduceL1", "dy·sign(x)", ({ x, dy }) => mul(dy, sign(x))),
  reduction("ReduceL2", "x·dy/y, 0 where y = 0", ({ x, y, dy }) => mul(x, where(equal(y, 0), 0, div(dy, y)))),
  reduction("ReduceSumSquare", "2·x·dy", ({ x, dy }) => mul(x, add(dy, dy))),
  argRule("ArgMax"),
  argRule("ArgMin"),
];
