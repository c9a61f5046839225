// MatMul (opset 13) and Gemm (opset 13).
//
//   Y = A·B:   dA = dY·Bᵀ,   dB = Aᵀ·dY
//
// summed over the batch axes along which an operand was broadcast. A one-dimensional operand is a row on the left and a column on the
// right whose axis of size 1 is dropped from the result: its gradient is computed with that axis and reshaped. When a matrix B
// without batch axes meets a batch of A, dB folds the batch into the rows first: one product instead of one per entry and a sum.
//
// Gemm: Y = alpha·A'·B' + beta·C with A' and B' transposed on request; each gradient is again a Gemm without C.
import { ShapeError } from "../errors.js";
import { type Dim, elementCount, float, formatDims, int } from "../onnx/types.js";
import { first, matMul, mul, reshape, sumTo, transposeLast, unsqueeze } from "./expressions.js";
import { broadcastDims, operand, staticDims } from "./shapes.js";
import type { Expr, GradientCall, OperatorRule, ShapeCall, ValueType } from "./types.js";

export function matMulShape(call: ShapeCall): ValueType[] {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  if (a.dims.length === 0 || b.dims.length === 0) throw mismatch(call, "operands with at least one dimension");
  const left = a.dims.length === 1 ? [1, ...a.dims] : a.dims;
  const right = b.dims.length === 1 ? [...b.dims, 1] : b.dims;
  const [inner, outer] = [left.at(-1), right.at(-2)];
  if (inner !== outer && typeof inner === "number" && typeof outer === "number") {
    throw mismatch(call, "matrices [..., M, K] and [..., K, N]");
  }
  const batch = broadcastDims(left.slice(0, -2), right.slice(0, -2), call.where);
  const rows = a.dims.length === 1 ? [] : [left.at(-2) as Dim];
  const columns = b.dims.length === 1 ? [] : [right.at(-1) as Dim];
  return [{ dtype: a.dtype, dims: [...batch, ...rows, ...columns] }];
}

function mismatch(call: ShapeCall, expected: string): ShapeError {
  const received = `${formatDims(operand(call, 0).dims)} and ${formatDims(operand(call, 1).dims)}`;
  return new ShapeError({ where: call.where, expected, received });
}

function matMulGradient({ inputs, outputGradients, wanted, where }: GradientCall): (Expr | undefined)[] {
  const [a, b] = inputs as [Expr, Expr];
  const [aDims, bDims] = [staticDims(a, where), staticDims(b, where)];
  const left = aDims.length === 1 ? unsqueeze(a, [0]) : a;
  const right = bDims.length === 1 ? unsqueeze(b, [1]) : b;
  const dropped = outputGradients[0] as Expr;
  const yDims = [...staticDims(dropped, where)];
  if (bDims.length === 1) yDims.push(1);
  if (aDims.length === 1) yDims.splice(-1, 0, 1);
  const dy = reshape(dropped, yDims);
  return [
    wanted[0] ? reshape(sumTo(matMul(dy, transposeLast(right)), left), aDims) : undefined,
    wanted[1] ? reshape(rightGradient(left, right, dy), bDims) : undefined,
  ];
}

/** Aᵀ·dY in the shape of B. */
function rightGradient(left: Expr, right: Expr, dy: Expr): Expr {
  if (right.dims.length > 2 || left.dims.length === 2) return sumTo(matMul(transposeLast(left), dy), right);
  const stack = (x: Expr) => {
    const dims = staticDims(x, x.name);
    const columns = dims.at(-1) as number;
    return reshape(x, [elementCount(dims.slice(0, -1)), columns]);
  };
  return matMul(transposeLast(stack(left)), stack(dy));
}

const flag = (call: Pick<ShapeCall, "attributes">, name: string) => call.attributes.int(name, 0) !== 0;

function gemmShape(call: ShapeCall): ValueType[] {
  const [a, b, c] = [operand(call, 0), operand(call, 1), call.inputs[2]];
  if (a.dims.length !== 2 || b.dims.length !== 2) throw mismatch(call, "two matrices");
  const [rows, inner] = (flag(call, "transA") ? a.dims.toReversed() : a.dims) as [Dim, Dim];
  const [outer, columns] = (flag(call, "transB") ? b.dims.toReversed() : b.dims) as [Dim, Dim];
  if (inner !== outer && typeof inner === "number" && typeof outer === "number") {
    throw mismatch(call, "matrices [M, K] and [K, N] after transposing");
  }
  const dims = [rows, columns];
  if (c !== undefined && formatDims(broadcastDims(c.dims, dims, call.where)) !== formatDims(dims)) {
    throw new ShapeError({
      where: call.where,
      expected: `C to broadcast to the product, ${formatDims(dims)}`,
      received: formatDims(c.dims),
    });
  }
  return [{ dtype: a.dtype, dims }];
}

function gemmGradient(call: GradientCall): (Expr | undefined)[] {
  const { builder, inputs, wanted, attributes } = call;
  const [a, b, c] = inputs as [Expr, Expr, Expr | undefined];
  const dy = call.outputGradients[0] as Expr;
  const [transA, transB] = [flag(call, "transA"), flag(call, "transB")];
  const alpha = attributes.float("alpha", 1);
  const product = (x: Expr, transX: boolean, y: Expr, transY: boolean) =>
    first(
      builder.op("Gemm", [x, y], { alpha: float(alpha), transA: int(transX ? 1 : 0), transB: int(transY ? 1 : 0) }),
    );
  return [
    wanted[0] ? (transA ? product(b, transB, dy, true) : product(dy, false, b, !transB)) : undefined,
    wanted[1] ? (transB ? product(dy, true, a, transA) : product(a, !transA, dy, false)) : undefined,
    wanted[2] && c !== undefined ? mul(sumTo(dy, c), attributes.float("beta", 1)) : undefined,
  ];
}

export const matrixProducts: readonly OperatorRule[] = [
  {
    op: "MatMul",
    summary: {
      shape: "broadcast batch axes, then [M, N]",
      gradient: "dY·Bᵀ and Aᵀ·dY, summed over broadcast batch axes",
    },
    shape: matMulShape,
    gradient: matMulGradient,
  },
  {
    op: "Gemm",
    summary: { shape: "[M, N]", gradient: "products of dY with the other operand; beta·dY summed to C" },
    shape: gemmShape,
    gradient: gemmGradient,
  },
];
