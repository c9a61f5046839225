// Arithmetic on operands that broadcast together.   ONNX opset 14: Add, Sub, Mul, Div; opset 15: Pow; opset 13: Mod, Max, Min, Sum, Mean.
//
// Broadcasting copies an operand along axes; its transpose sums along them, so every gradient ends with `sumTo`.
//
// Singular points, as PyTorch decides them. Pow: the exponent's gradient is 0 where the base is 0 and the exponent ≥ 0, and the base's
// is 0 where the exponent is 0. Max and Min of two operands that tie: half of dz to each (torch.maximum); of more operands,
// which PyTorch does not have: dz split evenly among those that tie. Mod: the jumps have the derivative of their surroundings.
import { ShapeError } from "../errors.js";
import type { Dim, Tensor } from "../onnx/types.js";
import {
  add,
  and,
  cast,
  div,
  equal,
  filledLike,
  greater,
  greaterOrEqual,
  indicator,
  less,
  log,
  mul,
  neg,
  pow,
  round,
  square,
  sub,
  sumTo,
  where,
} from "./expressions.js";
import { foldElements, largerOf, smallerOf, type Value, valuesOf } from "./fold.js";
import { broadcastDims, operand } from "./shapes.js";
import type { Expr, FoldCall, GradientRule, OperandType, OperatorRule, ShapeCall, ValueType } from "./types.js";

/** All operands broadcast; they must be of one element type. */
function broadcastShape(call: ShapeCall): ValueType[] {
  const head = operand(call, 0);
  const operands = call.inputs.map((_, index) => operand(call, index));
  for (const { dtype } of operands) {
    if (dtype !== head.dtype) {
      throw new ShapeError({
        where: call.where,
        expected: "operands of one element type",
        received: operands.map((x) => x.dtype).join(" and "),
      });
    }
  }
  const dims = operands.reduce<readonly Dim[]>((sofar, x) => broadcastDims(sofar, x.dims, call.where), []);
  return [{ dtype: head.dtype, dims }];
}

function pairShape(call: ShapeCall): ValueType[] {
  operand(call, 1);
  return broadcastShape(call);
}

/**
 * Rule for z = f(a, b) from the two partial derivatives times the output gradient, before broadcasting is undone. A factor that is the
 * same for all copies of an operand is better applied after `sumTo`, on fewer elements.
 */
function binaryGradient(
  partials: (a: Expr, b: Expr, dz: Expr, z: Expr) => { da: () => Expr; db: () => Expr },
): GradientRule {
  return ({ inputs, outputs, outputGradients, wanted }) => {
    const [a, b] = inputs as [Expr, Expr];
    const dz = outputGradients[0] as Expr;
    const { da, db } = partials(a, b, dz, outputs[0] as Expr);
    return [wanted[0] ? sumTo(da(), a) : undefined, wanted[1] ? sumTo(db(), b) : undefined];
  };
}

interface Arithmetic {
  readonly integers: (a: bigint, b: bigint) => bigint | undefined;
  readonly floats: (a: number, b: number) => number;
}

const foldPair =
  ({ integers, floats }: Arithmetic) =>
  (call: FoldCall): Tensor[] | undefined =>
    foldElements(call, pairShape(call)[0] as ValueType, (a, b) =>
      typeof a === "bigint" ? integers(a, b as bigint) : floats(a as number, b as number),
    );

const binaryRule = (op: string, gradient: string, rule: GradientRule, arithmetic: Arithmetic): OperatorRule => ({
  op,
  summary: { shape: "broadcast of both operands", gradient },
  shape: pairShape,
  gradient: rule,
  fold: foldPair(arithmetic),
});

/** Value of an operand that is one known number, such as the exponent of `x ** 2`. */
function knownNumber({ constant }: OperandType): number | undefined {
  if (constant === undefined || constant.data.length !== 1 || constant.dtype === "string") return undefined;
  return Number(valuesOf(constant)[0]);
}

/** dz · b·a^(b-1). Exponents that occur in networks avoid the general power, which costs a library call per element. */
function powBase(a: Expr, b: Expr, dz: Expr, z: Expr): Expr {
  const known = knownNumber(b);
  switch (known) {
    case undefined: {
      const exponent = cast(b, a.dtype);
      // 0 · 0^(-1) is NaN; the derivative of a^0 is 0.
      return where(equal(exponent, 0), 0, mul(dz, mul(exponent, pow(a, sub(exponent, 1)))));
    }
    case 0:
      return filledLike(a, 0);
    case 0.5:
      return div(dz, mul(z, 2));
    case 1:
      return dz;
    case 2:
      return mul(dz, mul(a, 2));
    case 3:
      return mul(dz, mul(square(a), 3));
    default:
      return mul(dz, mul(pow(a, known - 1), known));
  }
}

function powExponent(a: Expr, b: Expr, dz: Expr, z: Expr): Expr {
  const flat = and(equal(a, 0), greaterOrEqual(b, 0));
  return where(flat, 0, mul(dz, mul(z, log(a))));
}

const powRule: OperatorRule = {
  op: "Pow",
  summary: { shape: "broadcast of base and exponent, of the base's type", gradient: "dz·b·a^(b-1), dz·z·ln a" },
  shape: (call) => {
    const [a, b] = [operand(call, 0), operand(call, 1)];
    return [{ dtype: a.dtype, dims: broadcastDims(a.dims, b.dims, call.where) }];
  },
  gradient: binaryGradient((a, b, dz, z) => ({ da: () => powBase(a, b, dz, z), db: () => powExponent(a, b, dz, z) })),
};

const remainder = (call: ShapeCall): Arithmetic => {
  const truncated = call.attributes.int("fmod", 0) === 1;
  return {
    integers: (a, b) => {
      if (b === 0n) return undefined;
      // Without fmod the result has the sign of the divisor, as in Python.
      return truncated ? a % b : ((a % b) + b) % b;
    },
    floats: (a, b) => a % b,
  };
};

const modRule: OperatorRule = {
  op: "Mod",
  summary: { shape: "broadcast of both operands", gradient: "dz, -dz·trunc(a/b)" },
  shape: pairShape,
  gradient: binaryGradient((a, b, dz, z) => ({
    da: () => dz,
    // a - z is a whole multiple of b; rounding removes what the division loses.
    db: () => neg(mul(dz, round(div(sub(a, z), b)))),
  })),
  fold: (call) => foldPair(remainder(call))(call),
};

/** Max and Min. `ahead(a, b)` says where a alone is the result. */
const extremumRule = (
  op: string,
  ahead: (a: Expr, b: Expr) => Expr,
  choose: (a: Value, b: Value) => Value,
): OperatorRule => ({
  op,
  summary: {
    shape: "broadcast of all operands",
    gradient: "dz to the chosen operand, shared evenly where operands tie",
  },
  shape: broadcastShape,
  gradient: ({ inputs, outputs, outputGradients, wanted }) => {
    const operands = inputs as readonly Expr[];
    const z = outputs[0] as Expr;
    const dz = outputGradients[0] as Expr;
    const [a, b] = operands;
    if (operands.length === 1) return [dz];
    if (operands.length === 2 && a !== undefined && b !== undefined) {
      const toFirst = (x: Expr, y: Expr) => where(ahead(x, y), dz, where(ahead(y, x), 0, mul(dz, 0.5)));
      if (!wanted[0]) return [undefined, sumTo(toFirst(b, a), b)];
      const da = toFirst(a, b);
      // dz is 1, ½ or 0 times itself in da, so the subtraction is exact.
      return [sumTo(da, a), wanted[1] ? sumTo(sub(dz, da), b) : undefined];
    }
    const chosen = operands.map((x) => indicator(equal(x, z), z.dtype));
    const share = div(dz, chosen.reduce(add));
    return operands.map((x, index) => (wanted[index] ? sumTo(mul(share, chosen[index] as Expr), x) : undefined));
  },
  fold: (call) => foldElements(call, broadcastShape(call)[0] as ValueType, (...values) => values.reduce(choose)),
});

const sumRule = (op: string, gradient: string, share: (count: number) => number): OperatorRule => ({
  op,
  summary: { shape: "broadcast of all operands", gradient },
  shape: broadcastShape,
  gradient: ({ inputs, outputGradients, wanted }) => {
    const dz = mul(outputGradients[0] as Expr, share(inputs.length));
    return inputs.map((x, index) => (wanted[index] ? sumTo(dz, x as Expr) : undefined));
  },
});

const whereShape = (call: ShapeCall): ValueType[] => {
  const [condition, a, b] = [operand(call, 0), operand(call, 1), operand(call, 2)];
  if (condition.dtype !== "bool" || a.dtype !== b.dtype) {
    throw new ShapeError({
      where: call.where,
      expected: "a bool condition and two operands of one element type",
      received: `${condition.dtype}, ${a.dtype} and ${b.dtype}`,
    });
  }
  const dims = broadcastDims(condition.dims, broadcastDims(a.dims, b.dims, call.where), call.where);
  return [{ dtype: a.dtype, dims }];
};

const whereRule: OperatorRule = {
  op: "Where",
  summary: { shape: "broadcast of condition and both operands", gradient: "dz where chosen, 0 elsewhere" },
  shape: whereShape,
  gradient: ({ inputs, outputGradients, wanted }) => {
    const [condition, a, b] = inputs as [Expr, Expr, Expr];
    const dz = outputGradients[0] as Expr;
    return [
      undefined,
      wanted[1] ? sumTo(where(condition, dz, 0), a) : undefined,
      wanted[2] ? sumTo(where(condition, 0, dz), b) : undefined,
    ];
  },
  fold: (call) => foldElements(call, whereShape(call)[0] as ValueType, (condition, a, b) => (condition === 1 ? a : b)),
};

export const elementwise: readonly OperatorRule[] = [
  binaryRule(
    "Add",
    "dz to both",
    binaryGradient((_a, _b, dz) => ({ da: () => dz, db: () => dz })),
    { integers: (a, b) => a + b, floats: (a, b) => a + b },
  ),
  binaryRule(
    "Sub",
    "dz, -dz",
    binaryGradient((_a, b, dz) => ({ da: () => dz, db: () => neg(sumTo(dz, b)) })),
    { integers: (a, b) => a - b, floats: (a, b) => a - b },
  ),
  binaryRule(
    "Mul",
    "dz·b, dz·a",
    binaryGradient((a, b, dz) => ({ da: () => mul(dz, b), db: () => mul(dz, a) })),
    { integers: (a, b) => a * b, floats: (a, b) => a * b },
  ),
  binaryRule(
    "Div",
    "dz/b, -dz·z/b",
    binaryGradient((_a, b, dz, z) => ({ da: () => div(dz, b), db: () => neg(div(sumTo(mul(dz, z), b), b)) })),
    // Integer division truncates toward 0; bigint's does too.
    { integers: (a, b) => (b === 0n ? undefined : a / b), floats: (a, b) => a / b },
  ),
  powRule,
  modRule,
  extremumRule("Max", greater, largerOf),
  extremumRule("Min", less, smallerOf),
  sumRule("Sum", "dz to all", () => 1),
  sumRule("Mean", "dz/n to all", (count) => 1 / count),
  whereRule,
];
