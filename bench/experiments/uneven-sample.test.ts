import { expect, test } from "vitest";
import { unevenSample } from "./uneven-sample.js";

/** 60 of class 0, 30 of class 1, 10 of class 2. */
const labels = Int32Array.from({ length: 100 }, (_, index) => (index < 60 ? 0 : index < 90 ? 1 : 2));
const order = Array.from({ length: 100 }, (_, index) => (index * 37) % 100);
const countsOf = (power: number, number: number) => {
  const chosen = unevenSample(labels, { classes: 3, power, number, order });
  expect(new Set(chosen).size).toBe(chosen.length);
  return [0, 1, 2].map((label) => chosen.filter((index) => labels[index] === label).length);
};

test("power 0 asks for as many of each class, power 1 for their own shares, power 2 for the shares of squares", () => {
  expect(countsOf(0, 30)).toEqual([10, 10, 10]);
  expect(countsOf(1, 50)).toEqual([30, 15, 5]);
  expect(countsOf(2, 46)).toEqual([36, 9, 1]);
});

test("where a class runs out, the others make up for it", () => {
  expect(countsOf(0, 50)).toEqual([20, 20, 10]);
  expect(countsOf(0, 100)).toEqual([60, 30, 10]);
});

test("a sample larger than all is refused", () => {
  expect(() => countsOf(0, 101)).toThrow("a sample of 101 out of 100");
});
