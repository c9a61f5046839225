import { expect, test } from "vitest";
import { sortedScores } from "./scores.js";

/** A fixed, cheap sequence of 32-bit words; its quality does not matter here. */
function words(count: number): Uint32Array {
  let state = 12345;
  return Uint32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  });
}

test("float32 scores of every exponent and sign come out in numeric order", () => {
  const scores = new Float32Array(words(50_000).buffer).filter(Number.isFinite);
  expect(scores.length).toBeGreaterThan(49_000);
  expect(sortedScores(scores)).toEqual(scores.slice().sort());
});

test("the input keeps its order", () => {
  for (const scores of [Float32Array.of(2, -1, 0.5), Float64Array.of(2, -1, 0.5)]) {
    sortedScores(scores);
    expect(Array.from(scores)).toEqual([2, -1, 0.5]);
  }
});
