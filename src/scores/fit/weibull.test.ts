import { describe, expect, test } from "vitest";
import { createGenerator } from "../../data/index.js";
import { DataError } from "../../errors.js";
import { increasingRoot } from "./root.js";
import { fitWeibull } from "./weibull.js";

/** Values of evenly spaced probabilities: a sample without chance. */
const quantiles = (shape: number, scale: number, count: number) =>
  Array.from({ length: count }, (_, index) => scale * (-Math.log(1 - (index + 0.5) / count)) ** (1 / shape));

function logLikelihood(values: readonly number[], shape: number, scale: number): number {
  return values.reduce((sum, value) => {
    const ratio = value / scale;
    return sum + Math.log(shape / scale) + (shape - 1) * Math.log(ratio) - ratio ** shape;
  }, 0);
}

describe.each([
  [0.3, 1e-6],
  [1, 1],
  [2.5, 7],
  [40, 1e8],
])("shape %d, scale %d", (shape, scale) => {
  test("are found again from many values", () => {
    const found = fitWeibull(quantiles(shape, scale, 20_000), "test");
    expect(found.shape / shape).toBeCloseTo(1, 3);
    expect((found.scale / scale) ** shape).toBeCloseTo(1, 3);
  });

  test("are found within the scatter of 4000 random values", () => {
    const generator = createGenerator(7);
    const values = Array.from({ length: 4000 }, () => scale * (-Math.log(1 - generator.uniform())) ** (1 / shape));
    const found = fitWeibull(values, "test");
    // Standard deviation of the estimate of the shape: 0.78 shape / √n (Rinne, 2008); of log scale: 1.05 / (shape √n).
    expect(Math.abs(found.shape / shape - 1)).toBeLessThan((4 * 0.78) / Math.sqrt(4000));
    expect(Math.abs(Math.log(found.scale / scale))).toBeLessThan((4 * 1.05) / (shape * Math.sqrt(4000)));
  });

  test("a step to any side makes three values less likely", () => {
    const values = quantiles(shape, scale, 3);
    const found = fitWeibull(values, "test");
    const best = logLikelihood(values, found.shape, found.scale);
    for (const step of [1 - 1e-4, 1 + 1e-4]) {
      expect(logLikelihood(values, found.shape * step, found.scale)).toBeLessThan(best);
      expect(logLikelihood(values, found.shape, found.scale * step ** (1 / shape))).toBeLessThan(best);
    }
  });
});

test("of two values e and 1/e the equation of the shape is k tanh k = 1", () => {
  const { shape, scale } = fitWeibull([Math.E, 1 / Math.E], "test");
  expect(shape * Math.tanh(shape)).toBeCloseTo(1, 12);
  expect(scale).toBeCloseTo(Math.cosh(shape) ** (1 / shape), 12);
});

test("hardly different values have a very large shape", () => {
  const { shape, scale } = fitWeibull([1, 1 + 1e-6, 1 + 2e-6], "test");
  expect(shape).toBeGreaterThan(1e5);
  expect(scale).toBeCloseTo(1, 5);
});

test.each([
  [[2, 2, 2], "3 of 2"],
  [[0, 1, 2], "one of 0"],
])("%j has no likeliest distribution", (values, found) => {
  expect(() => fitWeibull(values, "here")).toThrow(DataError);
  expect(() => fitWeibull(values, "here")).toThrow(
    `here: expected distances > 0 that are not all the same, got ${found}; use more images, without duplicates`,
  );
});

test.each([1e-6, 1, 1e6])("a root at %d is found although the function is flat on one side", (root) => {
  const saturating = (x: number) => ({
    value: 1 - Math.exp(5 * (1 - x / root)),
    slope: (5 / root) * Math.exp(5 * (1 - x / root)),
  });
  expect(increasingRoot(saturating, 1) / root).toBeCloseTo(1, 9);
});
