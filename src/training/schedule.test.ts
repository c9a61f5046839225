import { expect, test } from "vitest";
import { learningRateAt, type Schedule } from "./schedule.js";

const rates = (schedule: Partial<Schedule>, total: number, updates: readonly number[]) =>
  updates.map((update) =>
    learningRateAt(
      { schedule: "constant", learningRate: 0.001, milestones: [], decay: 0.1, warmUp: 0, ...schedule },
      update,
      total,
    ),
  );

// The official scheduler: LambdaLR with cosine_annealing(step, total, 1, 1e-6 / lr), stepped before the optimizer.
test("the first update already has moved along the cosine, and the last one ends at 1e-6", () => {
  const [first, middle, last] = rates({ schedule: "cosine" }, 4, [1, 2, 4]) as [number, number, number];
  expect(first).toBeCloseTo(1e-6 + (0.001 - 1e-6) * 0.5 * (1 + Math.SQRT1_2), 15);
  expect(middle).toBeCloseTo((0.001 + 1e-6) / 2, 15);
  expect(last).toBeCloseTo(1e-6, 15);
});

test("a rate below the end of the cosine does not rise to it", () => {
  expect(rates({ schedule: "cosine", learningRate: 1e-7 }, 4, [1, 2, 4])).toEqual([1e-7, 1e-7, 1e-7]);
});

test("a constant schedule does not move", () => {
  expect(rates({}, 10, [1, 5, 10])).toEqual([0.001, 0.001, 0.001]);
});

test("a step schedule falls in the first update after each milestone", () => {
  const found = rates({ schedule: "step", learningRate: 1, milestones: [0.5, 0.75] }, 8, [1, 4, 5, 6, 7, 8]);
  found.forEach((rate, place) => {
    expect(rate).toBeCloseTo([1, 1, 0.1, 0.1, 0.01, 0.01][place] as number, 12);
  });
});

test("a poly schedule starts at full height and would reach zero after the last update", () => {
  const [first, half, last] = rates({ schedule: "poly", learningRate: 1 }, 10, [1, 6, 10]) as [number, number, number];
  expect(first).toBe(1);
  expect(half).toBeCloseTo(0.5 ** 0.9, 12);
  expect(last).toBeCloseTo(0.1 ** 0.9, 12);
});

test("warming up rises in a straight line to full height", () => {
  const found = rates({ learningRate: 1, warmUp: 0.2 }, 20, [1, 2, 3, 4, 5]);
  found.forEach((rate, place) => {
    expect(rate).toBeCloseTo([0.25, 0.5, 0.75, 1, 1][place] as number, 12);
  });
});
