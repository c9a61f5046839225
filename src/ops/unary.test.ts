import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  anySeed,
  anyShape,
  checkFold,
  checkOperator,
  checkStored,
  constant,
  differentiated,
  forAll,
  inferFrom,
  numbersOf,
  type RandomOptions,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { erf } from "../../test/gradients/special-functions.js";
import type { Tensor } from "../onnx/types.js";
import { tensorOf } from "./expressions.js";

const smooth: [string, RandomOptions][] = [
  ["Neg", {}],
  ["Abs", { avoid: [0] }],
  ["Sqrt", { low: 0.2 }],
  ["Exp", {}],
  ["Log", { low: 0.2 }],
  ["Reciprocal", { avoid: [0], margin: 0.3 }],
  ["Sin", {}],
  ["Cos", {}],
  ["Identity", {}],
  ["Floor", { avoid: [-2, -1, 0, 1, 2] }],
  ["Ceil", { avoid: [-2, -1, 0, 1, 2] }],
  ["Round", { avoid: [-1.5, -0.5, 0.5, 1.5] }],
  ["Sign", { avoid: [0] }],
];

test.each(smooth)("%s: gradient on shapes of every rank", async (op, options) => {
  await forAll(fc.tuple(anyShape(), anySeed), ([dims, seed]) =>
    checkOperator({ op, inputs: [differentiated(randomTensor(dims, seed, options))] }),
  );
});

test("Erf: gradient", async () => {
  const forward = ([x]: readonly (Tensor | undefined)[]): Tensor[] => {
    const tensor = x as Tensor;
    return [{ ...tensor, data: Float64Array.from(numbersOf(tensor), erf) }];
  };
  await checkOperator({ op: "Erf", inputs: [differentiated(randomTensor([3, 8], 1))], forward });
});

test.each(storedCases("unary"))("$op equals PyTorch: $name", checkStored);

describe("folding", () => {
  const integers = { dtype: "int64" as const, dims: [2], data: BigInt64Array.of(-(2n ** 60n) - 1n, 5n) };
  test.each(["Neg", "Abs", "Identity"])("%s of int64 keeps all bits", (op) =>
    checkFold({ op, inputs: [constant(integers)] }),
  );
  test.each(["Neg", "Abs", "Floor", "Ceil"])("%s of floats", (op) =>
    checkFold({ op, inputs: [constant(tensorOf([-1.5, 2, 0.25, -0.75]))] }),
  );
  test.each(["Sqrt", "Reciprocal"])("%s of the float that attention divides by", async (op) => {
    await checkFold({ op, inputs: [constant(tensorOf([64, 3, 0.1]))] });
  });
  test("Not", () => checkFold({ op: "Not", inputs: [constant(tensorOf([1, 0], "bool"))] }));
});

test("named dimensions pass, and Not refuses what is no truth value", () => {
  expect(inferFrom("Exp", [{ dtype: "float32", dims: ["N", 3] }])).toEqual([{ dtype: "float32", dims: ["N", 3] }]);
  expect(() => inferFrom("Not", [{ dtype: "float32", dims: [1] }])).toThrow(/expected a bool operand, got float32/);
});
