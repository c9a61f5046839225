import { expect, test } from "vitest";
import { runModel } from "../../test/gradients/run-model.js";
import { OptionError, ShapeError } from "../errors.js";
import { GraphBuilder } from "../graph/builder.js";
import type { Dim } from "../onnx/types.js";
import { adjustedLogits } from "./logit-adjustment.js";

async function adjust(
  dims: readonly number[],
  open: readonly Dim[],
  values: readonly number[],
  counts: number[],
  tau?: number,
) {
  const builder = new GraphBuilder();
  const adjusted = adjustedLogits(builder.input("logits", "float32", open), counts, tau);
  expect(adjusted.dims).toEqual(open);
  const data = Float32Array.from(values);
  const result = await runModel(builder.model({ adjusted }), { logits: { dtype: "float32", dims, data } });
  return result.get("adjusted")?.data as Float32Array;
}

/** Shares ½, ¼ and ¼. */
const counts = [200, 100, 100];
const [half, quarter] = [Math.LN2, 2 * Math.LN2];

test.each([
  [undefined, 1],
  [1, 1],
  [0, 0],
  [2.5, 2.5],
])("tau %s adds -tau log π to each class", async (tau, factor) => {
  const found = await adjust([2, 3], ["N", 3], [1, 2, 3, -1, 0, 1], counts, tau);
  const expected = [1, 2, 3, -1, 0, 1].map((logit, at) => logit + factor * (at % 3 === 0 ? half : quarter));
  expected.forEach((value, at) => {
    expect(found[at]).toBeCloseTo(value, 5);
  });
});

test("of equally likely classes the rarer one is predicted", async () => {
  const [frequent, rare] = await adjust([1, 2], ["N", 2], [5, 4], [1000, 10]);
  expect(rare as number).toBeGreaterThan(frequent as number);
});

test("the classes of pixels lie along axis 1", async () => {
  const found = await adjust([1, 3, 1, 2], ["N", 3, "H", "W"], [0, 0, 0, 0, 0, 0], counts);
  [half, half, quarter, quarter, quarter, quarter].forEach((value, at) => {
    expect(found[at]).toBeCloseTo(value, 6);
  });
});

test.each([0, -3, Number.NaN, Infinity])("a class with a count of %d is refused", (count) => {
  const logits = new GraphBuilder().input("logits", "float32", ["N", 3]);
  expect(() => adjustedLogits(logits, [5, count, 5])).toThrow(OptionError);
  expect(() => adjustedLogits(logits, [5, count, 5])).toThrow(
    `logit adjustment: expected a number of training images > 0 for class 1, got ${count}; give the class counts of the set that the model was trained on`,
  );
});

test("counts of other classes, and a tau that is no number, are refused", () => {
  const logits = new GraphBuilder().input("logits", "float32", ["N", 3]);
  expect(() => adjustedLogits(logits, [1, 2])).toThrow(ShapeError);
  expect(() => adjustedLogits(logits, [1, 2])).toThrow(
    "logit adjustment: expected one count for each class of logits [N, 3], got 2 counts",
  );
  expect(() => adjustedLogits(logits, [1, 2, 3], Number.NaN)).toThrow(
    "logit adjustment: expected a finite tau, got NaN",
  );
});
