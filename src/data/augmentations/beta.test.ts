import { expect, test } from "vitest";
import { createGenerator } from "../random.js";
import { betaSample } from "./beta.js";

const draws = 40_000;
const sample = (a: number, b: number, seed: number): Float64Array => {
  const generator = createGenerator(seed);
  return Float64Array.from({ length: draws }, () => betaSample(generator, a, b));
};

test.each([
  [1, 1, (x: number) => x],
  [2, 2, (x: number) => x * x * (3 - 2 * x)],
  [1, 3, (x: number) => 1 - (1 - x) ** 3],
  [0.5, 0.5, (x: number) => (2 / Math.PI) * Math.asin(Math.sqrt(x))],
])("draws of Beta(%d, %d) follow its distribution function", (a, b, cumulative) => {
  const bins = 20;
  const counts = new Int32Array(bins);
  for (const value of sample(a, b, 3)) {
    const bin = Math.min(bins - 1, Math.floor(value * bins));
    counts[bin] = (counts[bin] as number) + 1;
  }
  let chiSquare = 0;
  counts.forEach((count, bin) => {
    const expected = draws * (cumulative((bin + 1) / bins) - cumulative(bin / bins));
    chiSquare += (count - expected) ** 2 / expected;
  });
  // 19 degrees of freedom: 43.8 is exceeded once in a thousand seeds, and this seed is fixed.
  expect(chiSquare).toBeLessThan(43.8);
});

test.each([
  [0.2, 0.2],
  [5, 2],
  [0.001, 0.001],
  [300, 700],
])("draws of Beta(%d, %d) have its mean and variance, and are numbers in [0, 1]", (a, b) => {
  const values = sample(a, b, 7);
  const mean = values.reduce((sum, value) => sum + value, 0) / draws;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws;
  const trueVariance = (a * b) / ((a + b) ** 2 * (a + b + 1));
  expect(Math.abs(mean - a / (a + b))).toBeLessThan(4 * Math.sqrt(trueVariance / draws));
  expect(variance / trueVariance).toBeGreaterThan(0.95);
  expect(variance / trueVariance).toBeLessThan(1.05);
  expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
});

test("a parameter that is not above 0 is refused", () => {
  expect(() => betaSample(createGenerator(1), 0, 1)).toThrow("Beta distribution: expected parameters above 0, got 0");
  expect(() => betaSample(createGenerator(1), 1, Number.NaN)).toThrow("got NaN");
});
