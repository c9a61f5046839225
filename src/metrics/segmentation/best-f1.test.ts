import { expect, test } from "vitest";
import { rankScores } from "../ranking.js";
import { bestF1 } from "./best-f1.js";

test("of thresholds with equal F1 the highest is taken", () => {
  // At 3: 1 found of 2, none false. At 1: both found, two false.
  expect(bestF1(rankScores(Float32Array.of(2, 2), Float32Array.of(3, 1)))).toEqual({ threshold: 3, f1: 2 / 3 });
});

test("pixels at the threshold are among those called outliers", () => {
  expect(bestF1(rankScores(Float32Array.of(0, 1), Float32Array.of(2, 2)))).toEqual({ threshold: 2, f1: 1 });
});
