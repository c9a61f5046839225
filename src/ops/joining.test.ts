import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  anySeed,
  anyShape,
  checkFold,
  checkOperator,
  checkShapes,
  checkStored,
  constant,
  differentiated,
  fed,
  forAll,
  inferFrom,
  int64,
  randomIntegers,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { type Dim, int } from "../onnx/types.js";
import { tensorOf } from "./expressions.js";

test("Concat: each part receives its slice", async () => {
  await forAll(fc.tuple(anyShape({ minRank: 1 }), fc.nat(), anySeed), async ([dims, at, seed]) => {
    const axis = at % dims.length;
    const parts = [1, 2, 3].map((size) => differentiated(randomTensor(dims.toSpliced(axis, 1, size), seed + size)));
    await checkOperator({ op: "Concat", inputs: parts, attributes: { axis: int(axis - dims.length) } });
    await checkOperator({ op: "Concat", inputs: parts.slice(2), attributes: { axis: int(axis) } });
  });
});

test("Split: the gradients of the outputs are joined, in given and in equal sizes", async () => {
  const x = differentiated(randomTensor([2, 7, 3], 1));
  await checkOperator({ op: "Split", inputs: [x, int64(1, 4, 2)], outputCount: 3, attributes: { axis: int(1) } });
  for (const lossOutputs of [[0], [1], [0, 2]]) {
    await checkOperator({
      op: "Split",
      inputs: [x, int64(1, 4, 2)],
      outputCount: 3,
      lossOutputs,
      attributes: { axis: int(1) },
    });
  }
  const equal = { axis: int(-2), num_outputs: int(3) };
  await checkOperator({ op: "Split", inputs: [x], outputCount: 3, attributes: equal });
  await checkOperator({ op: "Split", inputs: [x], outputCount: 2, attributes: { num_outputs: int(2) } });
});

/** A slice of one or more axes with bounds inside, outside and before the tensor, and steps of either sign. */
const anySlice = anyShape({ minRank: 1, maxSize: 6 }).chain((dims) => {
  const bound = fc.integer({ min: -8, max: 8 });
  const step = fc.integer({ min: -3, max: 3 }).filter((value) => value !== 0);
  return fc.record({
    dims: fc.constant(dims),
    cuts: fc
      .subarray(
        dims.map((_, axis) => axis),
        { minLength: 1 },
      )
      .chain((axes) => fc.tuple(...axes.map((axis) => fc.tuple(fc.constant(axis), bound, bound, step)))),
    seed: anySeed,
  });
});
const bounds = (cuts: readonly (readonly [number, number, number, number])[]) => [
  int64(...cuts.map(([, start]) => start)),
  int64(...cuts.map(([, , end]) => end)),
  int64(...cuts.map(([axis]) => axis)),
  int64(...cuts.map(([, , , step]) => step)),
];

test("Slice: shape and folding agree with ONNX Runtime for any bounds and steps", async () => {
  const draws = fc.sample(anySlice, { seed: 7, numRuns: 60 });
  for (const { dims, cuts, seed } of draws) {
    await checkShapes({ op: "Slice", inputs: [fed(randomTensor(dims, seed)), ...bounds(cuts)] });
    await checkFold({ op: "Slice", inputs: [constant(randomIntegers(dims, seed, -99, 99)), ...bounds(cuts)] });
  }
});

test("Slice: the largest integers as ends mean all that is left, as in ONNX Runtime", async () => {
  const [int32, int64Largest] = [2n ** 31n - 1n, 2n ** 63n - 1n];
  for (const end of [int32, int64Largest, int32 + 1n]) {
    for (const [start, step] of [
      [-1, -1],
      [3, -2],
      [0, -1],
      [100, -1],
      [1, 2],
    ] as const) {
      const ends = constant({ dtype: "int64", dims: [1], data: BigInt64Array.of(end) });
      const cuts = [int64(start), ends, int64(0), int64(step)];
      await checkFold({ op: "Slice", inputs: [constant(randomIntegers([5], 1, -99, 99)), ...cuts] });
      if (step > 0 || end !== int32 + 1n) {
        await checkOperator({ op: "Slice", inputs: [differentiated(randomTensor([5], 1)), ...cuts] });
      }
    }
  }
});

test("Slice: the gradient goes back to where each element came from", async () => {
  const draws = fc.sample(anySlice, { seed: 8, numRuns: 40 });
  for (const { dims, cuts, seed } of draws) {
    await checkOperator({ op: "Slice", inputs: [differentiated(randomTensor(dims, seed)), ...bounds(cuts)] });
  }
});

test.each(storedCases("joining"))("$op equals PyTorch: $name", checkStored);

test("known tensors are cut and joined exactly", async () => {
  const part = (dims: number[], seed: number) => constant(randomIntegers(dims, seed, -99, 99));
  for (const axis of [0, 1, -1]) {
    const parts = [part([2, 2, 2], 1), part([2, 2, 2], 2)];
    await checkFold({ op: "Concat", inputs: parts, attributes: { axis: int(axis) } });
  }
  await checkFold({ op: "Concat", inputs: [part([1], 1), part([0], 1), part([2], 3)], attributes: { axis: int(0) } });
  const attributes = { axis: int(1) };
  await checkFold({ op: "Split", inputs: [part([2, 5], 1), int64(4, 1)], outputCount: 2, attributes });
  await checkFold({ op: "Split", inputs: [part([5], 1)], outputCount: 2, attributes: { num_outputs: int(2) } });
});

describe("shapes", () => {
  const known = (...values: number[]) => ({ ...tensorOf(values, "int64"), constant: tensorOf(values, "int64") });
  const float = (...dims: Dim[]) => ({ dtype: "float32" as const, dims });

  test("named dimensions pass along the axes that are not cut", () => {
    expect(inferFrom("Concat", [float("N", 3, "W"), float("N", 5, "W")], { axis: int(1) })).toEqual([
      float("N", 8, "W"),
    ]);
    expect(inferFrom("Concat", [float("N", 3), float(4, 5)], { axis: int(1) })).toEqual([float(4, 8)]);
    expect(inferFrom("Slice", [float("N", 8), known(2), known(-1), known(1)])).toEqual([float("N", 5)]);
    expect(inferFrom("Slice", [float("N", 8), known(0, 0), known(2 ** 31 - 1, 4), known(0, 1)])).toEqual([
      float("N", 4),
    ]);
    expect(inferFrom("Split", [float("N", 6)], { axis: int(1), num_outputs: int(2) }, { outputCount: 2 })).toEqual([
      float("N", 3),
      float("N", 3),
    ]);
  });

  test("parts, sizes and bounds that do not fit are refused with the node", () => {
    expect(() => inferFrom("Concat", [float(2, 3), float(3, 3)], { axis: int(1) })).toThrow(
      'node "tested" (Concat): expected parts of one type that differ only along axis 1, got float32 [2, 3] and float32 [3, 3]',
    );
    expect(() => inferFrom("Concat", [float(2)])).toThrow(/attribute "axis"/);
    expect(() => inferFrom("Split", [float(6), known(2, 3)], {}, { outputCount: 2 })).toThrow(/sizes that add up to 6/);
    expect(() => inferFrom("Split", [float(6), known(3, 3)], {}, { outputCount: 3 })).toThrow(
      /expected 2 outputs, got 3/,
    );
    expect(() => inferFrom("Split", [float(6)], { num_outputs: int(2 ** 40) }, { outputCount: 2 })).toThrow(
      /num_outputs to be the number of outputs, 2, got 1099511627776/,
    );
    expect(() => inferFrom("Slice", [float(6), known(0), known(3), known(0), known(0)])).toThrow(/no step 0/);
    expect(() => inferFrom("Slice", [float("N"), known(1), known(3)])).toThrow(/fully known, got \[N\]/);
  });
});
