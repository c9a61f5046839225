import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  anySeed,
  anyShape,
  broadcastingShapes,
  checkFold,
  checkOperator,
  checkStored,
  constant,
  differentiated,
  forAll,
  inferFrom,
  int64,
  randomIntegers,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { type Dim, int, ints } from "../onnx/types.js";
import { tensorOf } from "./expressions.js";

const x = differentiated(randomTensor([2, 3, 4], 1));

test("Reshape: 0, -1 and allowzero", async () => {
  for (const shape of [[24], [-1], [4, -1], [0, -1], [0, 0, 0], [-1, 0, 2], [2, 1, 12, 1]]) {
    await checkOperator({ op: "Reshape", inputs: [x, int64(...shape)] });
  }
  const empty = differentiated(randomTensor([0, 3], 1));
  await checkOperator({ op: "Reshape", inputs: [empty, int64(3, 0)], attributes: { allowzero: int(1) } });
});

test("Flatten: every axis", async () => {
  for (const axis of [-3, -2, -1, 0, 1, 2, 3]) {
    await checkOperator({ op: "Flatten", inputs: [x], attributes: { axis: int(axis) } });
  }
});

test("Squeeze and Unsqueeze: gradient in the shape of the input", async () => {
  const ones = differentiated(randomTensor([1, 3, 1, 2], 1));
  await checkOperator({ op: "Squeeze", inputs: [ones] });
  await checkOperator({ op: "Squeeze", inputs: [ones, int64(-2)] });
  await checkOperator({ op: "Squeeze", inputs: [ones, int64(2, 0)] });
  await checkOperator({ op: "Unsqueeze", inputs: [x, int64(4, -5)] });
  await checkOperator({ op: "Unsqueeze", inputs: [x, int64(1)] });
});

test("Transpose: any permutation", async () => {
  await forAll(fc.tuple(anyShape({ minRank: 1 }), anySeed), async ([dims, seed]) => {
    const order = dims.map((_, axis) => axis).sort((a, b) => ((a * 7919 + seed) % 31) - ((b * 7919 + seed) % 31));
    await checkOperator({
      op: "Transpose",
      inputs: [differentiated(randomTensor(dims, seed))],
      attributes: { perm: ints(order) },
    });
  });
  await checkOperator({ op: "Transpose", inputs: [x] });
});

test("Expand: the gradient is summed over the copies", async () => {
  await forAll(fc.tuple(broadcastingShapes(2), anySeed), ([[from, to], seed]) =>
    checkOperator({
      op: "Expand",
      inputs: [differentiated(randomTensor(from as number[], seed)), int64(...(to as number[]))],
    }),
  );
});

test("Tile: the gradient is summed over the copies", async () => {
  const shapeAndRepeats = anyShape({ minRank: 1 }).chain((dims) =>
    fc.tuple(
      fc.constant(dims),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: dims.length, maxLength: dims.length }),
      anySeed,
    ),
  );
  await forAll(shapeAndRepeats, ([dims, repeats, seed]) =>
    checkOperator({ op: "Tile", inputs: [differentiated(randomTensor(dims, seed)), int64(...repeats)] }),
  );
});

test.each(storedCases("reshaping"))("$op equals PyTorch: $name", checkStored);

test("known tensors are laid out anew exactly", async () => {
  const known = constant(randomIntegers([2, 1, 3], 1, -99, 99));
  await checkFold({ op: "Reshape", inputs: [known, int64(3, -1)] });
  await checkFold({ op: "Flatten", inputs: [known] });
  await checkFold({ op: "Squeeze", inputs: [known] });
  await checkFold({ op: "Unsqueeze", inputs: [known, int64(0)] });
  await checkFold({ op: "Transpose", inputs: [known], attributes: { perm: ints([2, 0, 1]) } });
  await checkFold({ op: "Expand", inputs: [known, int64(2, 2, 1)] });
});

describe("shapes", () => {
  const known = (...values: number[]) => ({ ...tensorOf(values, "int64"), constant: tensorOf(values, "int64") });
  const dimsOf = (op: string, dims: readonly Dim[], values: number[] | undefined, attributes = {}) =>
    inferFrom(op, [{ dtype: "float32", dims }, values === undefined ? undefined : known(...values)], attributes)[0]
      ?.dims;

  test("one named dimension finds its place again", () => {
    expect(dimsOf("Reshape", ["N", 64, 7, 7], [0, -1])).toEqual(["N", 3136]);
    expect(dimsOf("Reshape", ["N", 64, 7, 7], [-1, 3136])).toEqual(["N", 3136]);
    expect(dimsOf("Reshape", ["N", 8, "W"], [0, 4, 2, -1])).toEqual(["N", 4, 2, "W"]);
    expect(dimsOf("Flatten", ["N", 64, 7, 7], undefined)).toEqual(["N", 3136]);
    expect(dimsOf("Squeeze", ["N", 64, 1, 1], [2, 3])).toEqual(["N", 64]);
    expect(dimsOf("Unsqueeze", ["N", 3], [0])).toEqual([1, "N", 3]);
    expect(dimsOf("Transpose", ["N", 3, "W"], undefined, { perm: ints([2, 0, 1]) })).toEqual(["W", "N", 3]);
    expect(dimsOf("Tile", ["N", 3], [1, 2])).toEqual(["N", 6]);
    expect(dimsOf("Expand", ["N", 1], [1, 5])).toEqual(["N", 5]);
  });

  test("a fixed batch in the target wins over a name it replaces", () => {
    expect(dimsOf("Reshape", ["N", 6], [2, 3])).toEqual([2, 3]);
  });

  test.each([
    ["Reshape", [2, 3], [4, 2]],
    ["Reshape", [2, 3], [4, -1]],
    ["Reshape", [2, 3], [-1, -1]],
    ["Reshape", [2, 3], [-2, 3]],
    ["Reshape", [2, 3], [6, 1, 0]],
    ["Reshape", ["N", 3], [2, -1]],
    ["Flatten", ["N", 3, "W"], undefined],
    ["Squeeze", [2, 3], [0]],
    ["Unsqueeze", [2, 3], [0, 0]],
    ["Tile", [2, 3], [2]],
    ["Expand", [2, 3], [2, 2]],
  ] as const)("%s of %j by %j is refused with the node", (op, dims, values) => {
    expect(() => dimsOf(op, dims, values === undefined ? undefined : [...values])).toThrow(
      `node "tested" (${op}): expected`,
    );
  });

  test("Transpose refuses what is no permutation", () => {
    expect(() => dimsOf("Transpose", [2, 3], undefined, { perm: ints([0, 0]) })).toThrow(
      /each axis of \[2, 3\] once, got \[0, 0\]/,
    );
  });
});
