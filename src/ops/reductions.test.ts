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
  distinctTensor,
  fed,
  forAll,
  inferFrom,
  int64,
  randomIntegers,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { int } from "../onnx/types.js";
import { tensorOf } from "./expressions.js";

/** A shape, some of its axes (negative ones too), and whether they are kept. */
const anyReduction = anyShape({ minRank: 1, maxRank: 4 }).chain((dims) =>
  fc.record({
    dims: fc.constant(dims),
    axes: fc
      .subarray(
        dims.map((_, axis) => axis),
        { minLength: 1 },
      )
      .chain((axes) => fc.boolean().map((negative) => axes.map((axis) => (negative ? axis - dims.length : axis)))),
    keep: fc.boolean(),
    seed: anySeed,
  }),
);

const operators = [
  "ReduceSum",
  "ReduceMean",
  "ReduceMax",
  "ReduceMin",
  "ReduceProd",
  "ReduceLogSumExp",
  "ReduceLogSum",
  "ReduceL1",
  "ReduceL2",
  "ReduceSumSquare",
];

test.each(operators)("%s: gradient along any axes, kept or not", async (op) => {
  await forAll(anyReduction, ({ dims, axes, keep, seed }) => {
    const tensor = op.startsWith("ReduceM")
      ? distinctTensor(dims, seed)
      : op === "ReduceLogSum"
        ? randomTensor(dims, seed, { low: 0.2 })
        : randomTensor(dims, seed, { avoid: [0], margin: 0.2 });
    return checkOperator({
      op,
      inputs: [differentiated(tensor), int64(...axes)],
      attributes: { keepdims: int(keep ? 1 : 0) },
    });
  });
});

test.each(operators)("%s: without axes it reduces all, or with noop_with_empty_axes none", async (op) => {
  const x = differentiated(randomTensor([2, 3], 3, { low: 0.2 }));
  await checkOperator({ op, inputs: [x] });
  await checkOperator({ op, inputs: [x], attributes: { keepdims: int(0) } });
  await checkOperator({ op, inputs: [x, int64()] });
  await checkShapes({ op, inputs: [x], attributes: { noop_with_empty_axes: int(1) } });
});

test.each(["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"])(
  "%s: a reduction of nothing passes the gradient on",
  (op) =>
    checkOperator({
      op,
      inputs: [differentiated(randomTensor([2, 3], 3)), int64()],
      attributes: { noop_with_empty_axes: int(1) },
    }),
);

test.each(["ArgMax", "ArgMin"])("%s: shape for any axis", async (op) => {
  await forAll(anyReduction, ({ dims, axes, keep, seed }) =>
    checkShapes({
      op,
      inputs: [fed(randomTensor(dims, seed))],
      attributes: { axis: int(axes[0] ?? 0), keepdims: int(keep ? 1 : 0) },
    }),
  );
});

test.each(storedCases("reductions"))("$op equals PyTorch: $name", checkStored);

test.each(["ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"])(
  "%s of known integers is computed exactly",
  async (op) => {
    const x = randomIntegers([2, 3, 2], 5, -9, 9);
    await checkFold({ op, inputs: [constant(x), int64(1)] });
    await checkFold({ op, inputs: [constant(x), int64(0, -1)], attributes: { keepdims: int(0) } });
    await checkFold({ op, inputs: [constant(x)] });
    await checkFold({ op, inputs: [constant(tensorOf([1.5, -2.25], "float32"))] });
  },
);

describe("shapes", () => {
  const features = { dtype: "float32" as const, dims: ["N", 64, "H", "W"] };
  const known = (...axes: number[]) => ({ ...tensorOf(axes, "int64"), constant: tensorOf(axes, "int64") });

  test("named dimensions that are reduced become 1 or vanish, the others pass", () => {
    expect(inferFrom("ReduceMean", [features, known(2, 3)])).toEqual([{ dtype: "float32", dims: ["N", 64, 1, 1] }]);
    expect(inferFrom("ReduceMax", [features, known(-1, 0)], { keepdims: int(0) })).toEqual([
      { dtype: "float32", dims: [64, "H"] },
    ]);
    expect(inferFrom("ArgMax", [features], { axis: int(1), keepdims: int(0) })).toEqual([
      { dtype: "int64", dims: ["N", "H", "W"] },
    ]);
  });

  test("an axis out of range and axes that are not known are refused with the node", () => {
    expect(() => inferFrom("ReduceSum", [features, known(4)])).toThrow(
      'node "tested" (ReduceSum): expected an axis in [-4, 3], got 4',
    );
    expect(() => inferFrom("ReduceSum", [features, { dtype: "int64", dims: [1] }])).toThrow(
      /input 1 \(axes\) to be known before the model runs/,
    );
  });
});
