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
  distinctTensor,
  fed,
  forAll,
  inferFrom,
  randomIntegers,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { type Dim, int, text } from "../onnx/types.js";
import { tensorOf } from "./expressions.js";

test("Gather: repeated and negative indices along any axis, known or not", async () => {
  const draws = fc.tuple(anyShape({ minRank: 1 }), fc.nat(), anyShape({ maxRank: 2 }), anySeed);
  await forAll(draws, async ([dims, at, shape, seed]) => {
    const axis = at % dims.length;
    const size = dims[axis] as number;
    const indices = randomIntegers(shape, seed, -size, size - 1);
    const x = differentiated(randomTensor(dims, seed));
    await checkOperator({ op: "Gather", inputs: [x, fed(indices)], attributes: { axis: int(axis) } });
    await checkOperator({
      op: "Gather",
      inputs: [x, constant(indices)],
      attributes: { axis: int(axis - dims.length) },
    });
  });
});

test("Gather: int32 indices, and an empty list of them", async () => {
  const x = differentiated(randomTensor([3, 2], 1));
  await checkOperator({ op: "Gather", inputs: [x, fed(tensorOf([2, 0, -1], "int32"))] });
  await checkOperator({ op: "Gather", inputs: [x, fed(tensorOf([], "int64"))] });
});

test("TopK: largest and smallest along any axis", async () => {
  await forAll(fc.tuple(anyShape({ minRank: 1 }), fc.nat(), fc.boolean(), anySeed), ([dims, at, largest, seed]) => {
    const axis = at % dims.length;
    const k = 1 + (seed % (dims[axis] as number));
    return checkOperator({
      op: "TopK",
      inputs: [differentiated(distinctTensor(dims, seed)), constant(tensorOf([k], "int64"))],
      attributes: { axis: int(axis - dims.length), largest: int(largest ? 1 : 0) },
    });
  });
});

test("TopK of more than there are is refused", () => {
  expect(() =>
    inferFrom("TopK", [
      { dtype: "float32", dims: [2, 3] },
      { dtype: "int64", dims: [1], constant: tensorOf([4], "int64") },
    ]),
  ).toThrow(/at most 3 largest of axis 1 of \[2, 3\], got 4/);
});

test("GatherElements: repeated and negative indices along any axis", async () => {
  await forAll(
    fc.tuple(anyShape({ minRank: 1 }), fc.nat(), fc.integer({ min: 1, max: 4 }), anySeed),
    ([dims, at, count, seed]) => {
      const axis = at % dims.length;
      const size = dims[axis] as number;
      return checkOperator({
        op: "GatherElements",
        inputs: [
          differentiated(randomTensor(dims, seed)),
          fed(randomIntegers(dims.toSpliced(axis, 1, count), seed, -size, size - 1)),
        ],
        attributes: { axis: int(axis) },
      });
    },
  );
});

test("GatherND: repeated and negative indices of any depth, within batches", async () => {
  const x = differentiated(randomTensor([2, 3, 4], 1));
  for (const [shape, batch] of [
    [[5, 1], 0],
    [[5, 2], 0],
    [[2, 2, 3], 0],
    [[2, 5, 1], 1],
    [[2, 5, 2], 1],
    [[2, 3, 1], 2],
    [[2], 0],
  ] as const) {
    // Every axis has at least 2 entries, so -2 to 1 is in range of each.
    const indices = fed(randomIntegers(shape, 3, -2, 1));
    await checkOperator({ op: "GatherND", inputs: [x, indices], attributes: { batch_dims: int(batch) } });
  }
});

test("ScatterElements: gradients of data and updates, overwriting and adding", async () => {
  const data = differentiated(randomTensor([3, 4], 1));
  const updates = differentiated(randomTensor([2, 3], 2));
  const distinct = fed(tensorOf([0, -1, 1, 2, 0, -1], "int64", [2, 3]));
  await checkOperator({ op: "ScatterElements", inputs: [data, distinct, updates] });
  const repeated = fed(tensorOf([0, 0, 3, -1, 1, 1], "int64", [2, 3]));
  const adding = { axis: int(1), reduction: text("add") };
  await checkOperator({ op: "ScatterElements", inputs: [data, repeated, updates], attributes: adding });
});

test("ScatterND: gradients of data and updates, overwriting and adding", async () => {
  const data = differentiated(randomTensor([3, 4], 1));
  for (const attributes of [{}, { reduction: text("add") }]) {
    const rows = fed(tensorOf([2, 0], "int64", [2, 1]));
    await checkOperator({ op: "ScatterND", inputs: [data, rows, differentiated(randomTensor([2, 4], 2))], attributes });
    const places = fed(tensorOf([2, 0, -3, 1], "int64", [2, 2]));
    await checkOperator({ op: "ScatterND", inputs: [data, places, differentiated(randomTensor([2], 2))], attributes });
  }
});

test("a scatter that multiplies has no gradient rule and says so", async () => {
  const [data, indices] = [randomTensor([3], 1), tensorOf([0, 2], "int64")];
  const inputs = [differentiated(data), fed(indices), fed(randomTensor([2], 2))];
  const check = checkOperator({ op: "ScatterElements", inputs, attributes: { reduction: text("mul") } });
  await expect(check).rejects.toThrow(/reduction "none" or "add" for a gradient, got "mul"/);
});

test.each(storedCases("gathering"))("$op equals PyTorch: $name", checkStored);

test("known tensors are gathered exactly", async () => {
  const x = constant(randomIntegers([3, 2, 4], 1, -99, 99));
  for (const axis of [0, 1, -1]) {
    const attributes = { axis: int(axis) };
    await checkFold({ op: "Gather", inputs: [x, constant(tensorOf([1, -1, 0, 1], "int64", [2, 2]))], attributes });
    await checkFold({ op: "Gather", inputs: [x, constant(tensorOf(-2, "int64"))], attributes });
  }
});

describe("shapes", () => {
  const float = (...dims: Dim[]) => ({ dtype: "float32" as const, dims });
  const index = (...dims: Dim[]) => ({ dtype: "int64" as const, dims });

  test("named dimensions pass, also those of the indices", () => {
    expect(inferFrom("Gather", [float("N", 197, 768), index()], { axis: int(1) })).toEqual([float("N", 768)]);
    expect(inferFrom("Gather", [float(1000, 8), index("N", "T")])).toEqual([float("N", "T", 8)]);
    expect(inferFrom("GatherND", [float("N", 5, 8), index("N", 3, 1)], { batch_dims: int(1) })).toEqual([
      float("N", 3, 8),
    ]);
  });

  test("indices and updates that do not fit are refused with the node", () => {
    expect(() => inferFrom("Gather", [float(2, 3), float(2)])).toThrow(
      'node "tested" (Gather): expected int32 or int64 indices',
    );
    expect(() => inferFrom("Gather", [float(2, 3), index(2)], { axis: int(2) })).toThrow(/an axis in \[-2, 1\], got 2/);
    expect(() => inferFrom("GatherElements", [float(2, 3), index(2)])).toThrow(/indices of rank 2, got shape \[2\]/);
    expect(() => inferFrom("GatherND", [float(2, 3), index(2, 3)])).toThrow(
      /1 to 2 entries for data \[2, 3\], got \[2, 3\]/,
    );
    expect(() => inferFrom("ScatterND", [float(2, 3), index(1, 1), float(1, 2)])).toThrow(
      /updates \[1, 3\], got \[1, 2\]/,
    );
    expect(() => inferFrom("ScatterElements", [float(2, 3), index(1, 1), float(1, 2)])).toThrow(/updates \[1, 1\]/);
  });

  test("a known index outside the axis is refused while the graph is built", async () => {
    const x = constant(tensorOf([1, 2, 3], "int64"));
    const check = checkFold({ op: "Gather", inputs: [x, constant(tensorOf([3], "int64"))] });
    await expect(check).rejects.toThrow(/expected indices in \[-3, 2\], got 3/);
  });
});
