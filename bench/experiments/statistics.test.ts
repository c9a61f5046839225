import { expect, test } from "vitest";
import { deviationOver, halfInterval, meanOver, rankCorrelation } from "./statistics.js";

// Expected numbers: scipy 1.10, stats.sem(v) * stats.t.ppf(0.975, 2) and stats.spearmanr.
test("the confidence interval of three seeds is that of Student's t", () => {
  const gains = [0.38, 0.9, 1.4];
  expect(meanOver(gains)).toBeCloseTo(0.893333, 5);
  expect(deviationOver(gains)).toBeCloseTo(0.510033, 5);
  expect(halfInterval(gains)).toBeCloseTo(1.266991, 3);
  expect(halfInterval([1])).toBeNaN();
});

test("ranks that are shared count as their mean", () => {
  const share = [17.8, 10.6, 34.8, 18.9, 3.5, 2.0, 8.6, 2.0];
  const gain = [0, 0, -5, -2.7, 4.8, 4.7, 0.1, 4.1];
  expect(rankCorrelation(share, gain)).toBeCloseTo(-0.915663, 6);
  expect(rankCorrelation(gain, gain)).toBeCloseTo(1, 12);
});
