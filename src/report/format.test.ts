import { expect, test } from "vitest";
import { count, percentage, signedPoints, tickLabel } from "./format.js";

test("percentages have two decimals, and what is no number is a dash", () => {
  expect([0.93214, 1, 0, Number.NaN].map(percentage)).toEqual(["93.21", "100.00", "0.00", "–"]);
});

test("differences always have a sign, a real minus, and ± when they round to nothing", () => {
  expect([0.0508, -0.12, 0.00004, -0.00004, 0, Number.NaN].map(signedPoints)).toEqual([
    "+5.08",
    "−12.00",
    "±0.00",
    "±0.00",
    "±0.00",
    "–",
  ]);
});

test("counts are grouped by thousands", () => {
  expect([7, 999, 1000, 20000, 1234567].map(count)).toEqual(["7", "999", "1,000", "20,000", "1,234,567"]);
});

test.each([
  [0, 1, "0"],
  [0.30000000000000004, 0.1, "0.3"],
  [0.25, 0.05, "0.25"],
  [-5, 5, "−5"],
  [12000, 2000, "12,000"],
  [1234.5, 0.5, "1,234.5"],
  [3.0000000000000004e-7, 1e-7, "3e−7"],
  [2e7, 1e7, "2e7"],
])("the tick %d at distance %d reads %s", (value, step, expected) => expect(tickLabel(value, step)).toBe(expected));
