import { expect, test } from "vitest";
import { createGenerator } from "../data/index.js";
import { constant, heFanIn, heFanOut, type Initializer, layerDefault, transformerDefault } from "./initializers.js";

const dims = [96, 40, 3, 3];
const count = 96 * 40 * 9;

function measured(initializer: Initializer) {
  const values = initializer(dims, createGenerator(5));
  expect(values.length).toBe(count);
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
  const fourth = values.reduce((sum, value) => sum + ((value - mean) / deviation) ** 4, 0) / count;
  return { mean, deviation, fourth, largest: values.reduce((max, value) => Math.max(max, Math.abs(value)), 0) };
}

// A mean of n draws is off by 1/√n deviations, a deviation by 1/√(2n), and the fourth moment of a normal by √(96/n); four times that is allowed.
test.each([
  ["normal by fan-in", heFanIn, Math.sqrt(2 / (40 * 9))],
  ["normal by fan-out", heFanOut, Math.sqrt(2 / (96 * 9))],
  ["normal of transformers", transformerDefault, 0.02],
] as const)("%s: mean, deviation and tails are those of the formula", (_, initializer, deviation) => {
  const found = measured(initializer);
  expect(Math.abs(found.mean)).toBeLessThan((4 * deviation) / Math.sqrt(count));
  expect(Math.abs(found.deviation / deviation - 1)).toBeLessThan(4 / Math.sqrt(2 * count));
  expect(Math.abs(found.fourth - 3)).toBeLessThan(4 * Math.sqrt(96 / count));
});

test("PyTorch's default for layers: uniform over all of ±1/√fan-in and nowhere else", () => {
  const bound = 1 / Math.sqrt(40 * 9);
  const found = measured(layerDefault);
  expect(found.largest).toBeLessThanOrEqual(Math.fround(bound));
  expect(found.largest).toBeGreaterThan(bound * (1 - 20 / count));
  expect(Math.abs(found.deviation / (bound / Math.sqrt(3)) - 1)).toBeLessThan(4 / Math.sqrt(2 * count));
  expect(Math.abs(found.mean)).toBeLessThan((4 * bound) / Math.sqrt(3 * count));
  expect(Math.abs(found.fourth - 1.8)).toBeLessThan(0.05);
});

test("constants need no generator and fill every element", () => {
  expect(constant(0.25)([2, 3], createGenerator(1))).toEqual(new Float32Array(6).fill(0.25));
});
