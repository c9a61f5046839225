import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  anySeed,
  broadcastingShapes,
  checkFold,
  checkOperator,
  checkStored,
  checkValues,
  constant,
  differentiated,
  distinctTensor,
  fed,
  forAll,
  inferFrom,
  randomIntegers,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import type { Tensor } from "../onnx/types.js";
import { int } from "../onnx/types.js";
import { tensorOf } from "./expressions.js";
import { valuesOf } from "./fold.js";

const pairs = fc.tuple(broadcastingShapes(2), anySeed);
const away = { avoid: [0], margin: 0.3 };
/** Two operands of one tensor's distinct values, so that no pair of elements ties. */
function distinctPair([left, right]: readonly number[][], seed: number): [Tensor, Tensor] {
  const size = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
  const all = distinctTensor([size(left ?? []) + size(right ?? [])], seed).data as Float32Array;
  const part = (dims: readonly number[], from: number) =>
    tensorOf([...all.subarray(from, from + size(dims))], "float32", dims);
  return [part(left ?? [], 0), part(right ?? [], size(left ?? []))];
}

describe("arithmetic", () => {
  test.each(["Add", "Sub", "Mul", "Div"])("%s: gradients are summed over broadcast axes", async (op) => {
    await forAll(pairs, async ([[a, b], seed]) => {
      const divisor = op === "Div" ? away : {};
      await checkOperator({
        op,
        inputs: [
          differentiated(randomTensor(a as number[], seed)),
          differentiated(randomTensor(b as number[], seed + 1, divisor)),
        ],
      });
    });
  });

  test("Pow: gradients of base and exponent", async () => {
    await forAll(pairs, async ([[a, b], seed]) => {
      const base = randomTensor(a as number[], seed, { low: 0.3 });
      await checkOperator({
        op: "Pow",
        inputs: [differentiated(base), differentiated(randomTensor(b as number[], seed + 1))],
      });
    });
  });

  test.each([-2, -1, 0.5, 1, 1.5, 2, 3, 4])("Pow: gradient for the constant exponent %d", async (exponent) => {
    const base = randomTensor([3, 4], 5, { low: 0.3 });
    await checkOperator({ op: "Pow", inputs: [differentiated(base), constant(tensorOf(exponent))] });
  });

  test("Mod: gradients of the remainder between its jumps", async () => {
    const a = tensorOf([3.3, -3.3, 7.7, -0.4, 5.2]);
    const b = tensorOf([1, 1, -2, 1.5, 0.7]);
    await checkOperator({ op: "Mod", inputs: [differentiated(a), differentiated(b)], attributes: { fmod: int(1) } });
  });

  test.each(["Max", "Min"])("%s: the gradient goes to the chosen operand", async (op) => {
    await forAll(pairs, async ([shapes, seed]) => {
      const [a, b] = distinctPair(shapes, seed);
      await checkOperator({ op, inputs: [differentiated(a), differentiated(b)] });
      await checkOperator({ op, inputs: [fed(a), differentiated(b)] });
    });
  });

  test.each(["Max", "Min"])("%s of three operands: the gradient goes to the chosen one", async (op) => {
    const shapes = [[2, 3], [3], [2, 1]];
    await checkOperator({ op, inputs: shapes.map((dims, index) => differentiated(randomTensor(dims, 4 + index))) });
  });

  test("Max of three operands: those that tie share the gradient evenly", async () => {
    const rows = [
      [1, 2, 3, 4],
      [1, 2, 0, 0],
      [1, 0, 3, 0],
    ];
    const shares = [
      [2, 3, 3, 6],
      [2, 3, 0, 0],
      [2, 0, 3, 0],
    ];
    await checkValues(
      { op: "Max", inputs: rows.map((row) => differentiated(tensorOf(row))) },
      {
        outputs: [tensorOf([1, 2, 3, 4])],
        cotangents: [tensorOf([6, 6, 6, 6])],
        gradients: shares.map((row) => tensorOf(row)),
      },
    );
  });

  test.each(["Sum", "Mean"])("%s: gradients of three operands", async (op) => {
    await forAll(fc.tuple(broadcastingShapes(3), anySeed), async ([shapes, seed]) => {
      const inputs = shapes.map((dims, index) => differentiated(randomTensor(dims, seed + index)));
      const average = (values: readonly (Tensor | undefined)[]): Tensor[] => meanOf(values as Tensor[]);
      await checkOperator({ op, inputs, ...(op === "Mean" ? { forward: average } : {}) });
    });
  });

  test("Where: each operand receives the gradient where it was chosen", async () => {
    await forAll(fc.tuple(broadcastingShapes(3), anySeed), async ([[c, a, b], seed]) => {
      const bits = valuesOf(randomIntegers(c as number[], seed, 0, 1)).map(Number);
      await checkOperator({
        op: "Where",
        inputs: [
          fed(tensorOf(bits, "bool", c as number[])),
          differentiated(randomTensor(a as number[], seed)),
          differentiated(randomTensor(b as number[], seed + 1)),
        ],
      });
    });
  });
});

/** Mean with broadcasting: ONNX Runtime has it in float32 only. */
function meanOf(operands: readonly Tensor[]): Tensor[] {
  const rank = Math.max(...operands.map((x) => x.dims.length));
  const dims = Array.from({ length: rank }, (_, axis) =>
    Math.max(...operands.map((x) => x.dims[axis - rank + x.dims.length] ?? 1)),
  );
  const count = dims.reduce((a, b) => a * b, 1);
  const data = Float64Array.from({ length: count }, (_, flat) => {
    let total = 0;
    for (const x of operands) {
      let rest = flat;
      let [position, stride] = [0, 1];
      for (let back = 1; back <= rank; back++) {
        const size = dims[rank - back] as number;
        const own = x.dims[x.dims.length - back] ?? 1;
        position += own === 1 ? 0 : (rest % size) * stride;
        stride *= own;
        rest = Math.floor(rest / size);
      }
      total += x.data[position] as number;
    }
    return total / operands.length;
  });
  return [{ dtype: "float64", dims, data }];
}

test.each(storedCases("elementwise"))("$op equals PyTorch: $name", checkStored);

describe("folding", () => {
  const big = { dtype: "int64" as const, dims: [3], data: BigInt64Array.of(2n ** 62n + 1n, -(2n ** 53n) - 1n, -7n) };
  const small = { dtype: "int64" as const, dims: [3], data: BigInt64Array.of(3n, 2n, 2n) };

  test.each(["Add", "Sub", "Mul", "Div", "Mod", "Max", "Min"])(
    "%s keeps all bits of int64 and truncates as ONNX Runtime does",
    (op) => checkFold({ op, inputs: [constant(big), constant(small)] }),
  );
  test.each(["Div", "Mod"])("%s of integers of either sign", async (op) => {
    const dividends = tensorOf([7, -7, 7, -7, 0], "int64");
    await checkFold({ op, inputs: [constant(dividends), constant(tensorOf([2, 2, -2, -2, 5], "int64"))] });
    await checkFold({ op, inputs: [constant(tensorOf([7, -7], "int32")), constant(tensorOf([2, 2], "int32"))] });
  });
  test("Mod with fmod takes the sign of the dividend", async () => {
    const attributes = { fmod: int(1) };
    const [a, b] = [tensorOf([7, -7, 7, -7], "int64"), tensorOf([3, 3, -3, -3], "int64")];
    await checkFold({ op: "Mod", inputs: [constant(a), constant(b)], attributes });
    await checkFold({ op: "Mod", inputs: [constant(tensorOf([5.5, -5.5])), constant(tensorOf([2, 2]))], attributes });
  });
  test.each(["Add", "Sub", "Mul", "Div", "Max", "Min"])("%s of floats with broadcasting", (op) =>
    checkFold({ op, inputs: [constant(randomTensor([2, 1], 1)), constant(randomTensor([3], 2, away))] }),
  );
  test("Where picks with broadcasting", () =>
    checkFold({
      op: "Where",
      inputs: [
        constant(tensorOf([1, 0], "bool", [2, 1])),
        constant(tensorOf([1, 2, 3], "int64")),
        constant(tensorOf(9, "int64")),
      ],
    }));
});

describe("shapes", () => {
  const image = { dtype: "float32" as const, dims: ["N", 3, "H", "W"] };

  test("named dimensions pass through broadcasting", () => {
    const bias = { dtype: "float32" as const, dims: [3, 1, 1] };
    expect(inferFrom("Add", [image, bias])).toEqual([image]);
    expect(inferFrom("Where", [{ dtype: "bool", dims: [] }, bias, image])).toEqual([image]);
    expect(inferFrom("Max", [bias, image, bias])).toEqual([image]);
  });

  test("operands that do not broadcast, or differ in type, are refused with the node and both shapes", () => {
    const row = { dtype: "float32" as const, dims: [4] };
    expect(() => inferFrom("Mul", [image, { dtype: "float32", dims: [2, 1, 1] }])).toThrow(
      'node "tested" (Mul): expected shapes that broadcast together, got [N, 3, H, W] and [2, 1, 1]',
    );
    expect(() => inferFrom("Add", [row, { dtype: "int64", dims: [4] }])).toThrow(
      /one element type, got float32 and int64/,
    );
    expect(() => inferFrom("Where", [row, row, row])).toThrow(/bool condition/);
    expect(() => inferFrom("Sub", [row])).toThrow(/expected an input 1, got 1 inputs/);
  });
});
