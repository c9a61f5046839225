import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runModel } from "../../../test/gradients/run-model.js";
import { OptionError, ShapeError } from "../../errors.js";
import { GraphBuilder } from "../../graph/builder.js";
import type { Dim } from "../../onnx/types.js";
import type { Expr } from "../../ops/index.js";
import { boundarySuppression, dilatedSmoothing, gaussianBlur } from "./index.js";

// Made by test/reference/anomaly-maps.py in float64.
const reference = JSON.parse(
  readFileSync(new URL("../../../test/reference/anomaly-maps.json", import.meta.url), "utf8"),
) as {
  readonly dims: readonly [number, number, number, number];
  readonly maps: readonly number[];
  readonly predicted: readonly number[];
  readonly gaussian: readonly number[];
  readonly smoothing: readonly { readonly dilation: number; readonly values: readonly number[] }[];
  readonly suppression: readonly {
    readonly width: number;
    readonly iterations: number;
    readonly values: readonly number[];
  }[];
};

interface Maps {
  readonly dims: readonly number[];
  readonly scores: readonly number[];
  readonly classes: readonly number[];
}
const stored: Maps = { dims: reference.dims, scores: reference.maps, classes: reference.predicted };

/** The number of maps stays open in the graph. */
async function evaluate(expression: (map: Expr, predicted: Expr) => Expr, { dims, scores, classes }: Maps) {
  const builder = new GraphBuilder();
  const open: Dim[] = ["N", ...dims.slice(1)];
  const map = builder.input("map", "float32", open);
  const predicted = builder.input("predicted", "int64", open);
  const result = expression(map, predicted);
  expect(result.dims).toEqual(open);
  const outputs = await runModel(builder.model({ result }), {
    map: { dtype: "float32", dims, data: Float32Array.from(scores) },
    predicted: { dtype: "int64", dims, data: BigInt64Array.from(classes, BigInt) },
  });
  expect(outputs.get("result")?.dims).toEqual(dims);
  return Array.from(outputs.get("result")?.data as Float32Array);
}

/** Scores are below 16: a few float32 roundings of that. */
function expectClose(values: readonly number[], expected: readonly number[]): void {
  expect(values).toHaveLength(expected.length);
  const worst = Math.max(...values.map((value, index) => Math.abs(value - (expected[index] as number))));
  expect(worst).toBeLessThan(3e-6);
}

test("the blur equals one sum over 49 taps with a reflected border", async () => {
  expectClose(await evaluate(gaussianBlur, stored), reference.gaussian);
});

test.each(reference.smoothing)(
  "smoothing with dilation $dilation equals one sum over 49 taps with a repeated border",
  async ({ dilation, values }) => {
    expectClose(await evaluate((map) => dilatedSmoothing(map, { dilation }), stored), values);
  },
);

test.each(reference.suppression)(
  "boundary suppression of width $width in $iterations steps equals a loop over pixels",
  async ({ values, ...options }) => {
    const found = await evaluate((map, predicted) => boundarySuppression(map, predicted, options), stored);
    expectClose(found, values);
    expect(found.filter((value, index) => value !== reference.maps[index]).length).toBeGreaterThan(100);
  },
);

test("the defaults are those of Standardized Max Logits", async () => {
  const smoothing = await evaluate((map) => dilatedSmoothing(map), stored);
  expect(smoothing).toEqual(await evaluate((map) => dilatedSmoothing(map, { dilation: 6 }), stored));
  const suppressed = await evaluate((map, predicted) => boundarySuppression(map, predicted), stored);
  expectClose(suppressed, reference.suppression[0]?.values ?? []);
});

test("a constant map stays as it is", async () => {
  const constant = { ...stored, scores: reference.maps.map(() => 2.5) };
  for (const step of [gaussianBlur, dilatedSmoothing, boundarySuppression]) {
    for (const value of await evaluate((map, predicted) => step(map, predicted as never), constant)) {
      expect(value).toBeCloseTo(2.5, 5);
    }
  }
});

test("without a boundary no score changes; where all is boundary none can", async () => {
  const dims = [1, 1, 6, 7];
  const scores = Array.from({ length: 42 }, (_, index) => (index * 37) % 11);
  const one = { dims, scores, classes: scores.map(() => 3) };
  expect(await evaluate((map, predicted) => boundarySuppression(map, predicted), one)).toEqual(scores);
  const many = { dims, scores, classes: scores.map((_, index) => index) };
  expect(await evaluate((map, predicted) => boundarySuppression(map, predicted), many)).toEqual(scores);
});

const mapOf = (dims: readonly Dim[]) => new GraphBuilder().input("map", "float32", dims);

test("maps without a channel, of several channels or of an open size are refused", () => {
  for (const dims of [
    [2, 8, 8],
    [2, 3, 8, 8],
    ["N", 1, "H", "W"],
  ]) {
    expect(() => gaussianBlur(mapOf(dims))).toThrow(ShapeError);
    expect(() => dilatedSmoothing(mapOf(dims))).toThrow(ShapeError);
  }
  expect(() => gaussianBlur(mapOf([1, 1, 3, 9]))).toThrow(
    "Gaussian blur: expected a map [N, 1, H, W], H and W known and at least 4, got [1, 1, 3, 9]; give the model a fixed image size",
  );
  const map = mapOf([1, 1, 8, 8]);
  const other = map.builder.constant({ dtype: "int64", dims: [1, 1, 8, 9], data: new BigInt64Array(72) });
  expect(() => boundarySuppression(map, other)).toThrow(ShapeError);
});

test.each([
  [3, 2],
  [0, 1],
  [4, 0],
  [1.5, 1],
])("a boundary of width %s in %s steps is refused", (width, iterations) => {
  const map = mapOf([1, 1, 8, 8]);
  expect(() => boundarySuppression(map, map, { width, iterations })).toThrow(OptionError);
});

test.each([0, -1, 1.5, Number.NaN])("dilation %s is refused", (dilation) => {
  expect(() => dilatedSmoothing(mapOf([1, 1, 8, 8]), { dilation })).toThrow(OptionError);
});
