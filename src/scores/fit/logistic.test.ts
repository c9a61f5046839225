import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fitLogistic } from "./logistic.js";

interface Case {
  readonly negative: number[][];
  readonly positive: number[][];
  readonly ridge: number;
  readonly weights: number[];
  readonly offset: number;
}
// Made by test/reference/logistic.py from scikit-learn.
const { cases } = JSON.parse(
  readFileSync(new URL("../../../test/reference/logistic.json", import.meta.url), "utf8"),
) as { cases: Case[] };

test.each(cases)("equals scikit-learn's, ridge $ridge", ({ negative, positive, ridge, weights, offset }) => {
  const found = fitLogistic(negative, positive, { ridge });
  found.weights.forEach((weight, at) => {
    expect(weight / (weights[at] as number)).toBeCloseTo(1, 6);
  });
  expect(found.weights).toHaveLength(weights.length);
  expect(found.offset / offset).toBeCloseTo(1, 6);
});

test("separable rows have a finite fit, which puts its boundary between them", () => {
  const { weights, offset } = fitLogistic([[0], [1]], [[3], [4]]);
  expect(Number.isFinite(weights[0])).toBe(true);
  expect(-offset / (weights[0] as number)).toBeCloseTo(2, 6);
});

test("a kind without rows and a constant column are refused", () => {
  expect(() => fitLogistic([], [[1]])).toThrow("expected rows of both kinds, got 0 and 1");
  expect(() => fitLogistic([[1, 2]], [[3, 2]])).toThrow("expected different values in column 1, got 2 times 2");
});
