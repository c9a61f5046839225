import { expect, test } from "vitest";
import { learningRateAt } from "./schedule.js";

// The official scheduler: LambdaLR with cosine_annealing(step, total, 1, 1e-6 / lr), stepped before the optimizer.
test("the first update already has moved along the cosine, and the last one ends at 1e-6", () => {
  expect(learningRateAt("cosine", 0.001, 1, 4)).toBeCloseTo(1e-6 + (0.001 - 1e-6) * 0.5 * (1 + Math.SQRT1_2), 15);
  expect(learningRateAt("cosine", 0.001, 2, 4)).toBeCloseTo((0.001 + 1e-6) / 2, 15);
  expect(learningRateAt("cosine", 0.001, 4, 4)).toBeCloseTo(1e-6, 15);
});

test("a constant schedule does not move", () => {
  expect([1, 5, 10].map((update) => learningRateAt("constant", 0.01, update, 10))).toEqual([0.01, 0.01, 0.01]);
});
