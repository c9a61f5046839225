import { expect, test } from "vitest";
import { checkFold, checkShapes, constant, fed, inferFrom, randomTensor } from "../../test/gradients/index.js";
import { tensorOf } from "./expressions.js";

const close = { dtype: "int64" as const, dims: [3], data: BigInt64Array.of(2n ** 60n, 2n ** 60n + 1n, -1n) };
const pivot = { dtype: "int64" as const, dims: [1], data: BigInt64Array.of(2n ** 60n) };

test.each(["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"])(
  "%s: bool, broadcast, and exact for large integers",
  async (op) => {
    await checkShapes({ op, inputs: [fed(randomTensor([2, 1], 1)), fed(randomTensor([3], 2))] });
    await checkFold({ op, inputs: [constant(close), constant(pivot)] });
    await checkFold({ op, inputs: [constant(tensorOf([1, 2, 3])), constant(tensorOf(2))] });
  },
);

test.each(["And", "Or", "Xor"])("%s: the whole truth table", (op) =>
  checkFold({ op, inputs: [constant(tensorOf([0, 1], "bool", [2, 1])), constant(tensorOf([0, 1], "bool"))] }),
);

test.each(["IsNaN", "IsInf"])("%s: bool in the shape of its operand", async (op) => {
  await checkShapes({ op, inputs: [fed(tensorOf([1, Number.NaN, Number.NEGATIVE_INFINITY]))] });
});

test("operands of different types, or numbers where truth values belong, are refused with the node", () => {
  const [number, integer] = [
    { dtype: "float32" as const, dims: ["N"] },
    { dtype: "int64" as const, dims: ["N"] },
  ];
  expect(() => inferFrom("Equal", [number, integer])).toThrow(
    'node "tested" (Equal): expected operands of one element type, got float32 and int64',
  );
  expect(() => inferFrom("And", [number, number])).toThrow(/two bool operands/);
  expect(inferFrom("Less", [number, number])).toEqual([{ dtype: "bool", dims: ["N"] }]);
});
