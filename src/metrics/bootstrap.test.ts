import { expect, test } from "vitest";
import { createGenerator, type Generator } from "../data/random.js";
import { OptionError } from "../errors.js";
import { bootstrapIntervals } from "./bootstrap.js";
import { auroc, averagePrecision, fprNearestRecall, fprReachingRecall, precisionRecallArea } from "./curve-metrics.js";
import { presetMetrics } from "./detection-metrics.js";
import { rankScores } from "./ranking.js";

/** Box and Muller, 1958. */
function normal(generator: Generator): number {
  return Math.sqrt(-2 * Math.log(1 - generator.uniform())) * Math.cos(2 * Math.PI * generator.uniform());
}

const id = Float32Array.from({ length: 31 }, (_, index) => ((index * 7) % 11) - 3);
const ood = Float32Array.from({ length: 23 }, (_, index) => ((index * 5) % 13) - 1);

test("each replicate is the metric of the resampled scores ranked anew, thresholds that were not drawn left out", () => {
  const metrics = {
    auroc,
    averagePrecision,
    precisionRecallArea,
    nearest: (ranking: Parameters<typeof auroc>[0]) => fprNearestRecall(ranking, 0.95),
    reaching: (ranking: Parameters<typeof auroc>[0]) => fprReachingRecall(ranking, 0.7),
  };
  const ranking = rankScores(id, ood);
  const seen: number[][] = Object.keys(metrics).map(() => []);
  const recorded = Object.fromEntries(
    Object.entries(metrics).map(([name, metric], position) => [
      name,
      (resample: typeof ranking) => {
        const value = metric(resample);
        seen[position]?.push(value);
        return value;
      },
    ]),
  );
  bootstrapIntervals(ranking, recorded, { generator: createGenerator(1), replicates: 200 });

  // The same draws, as positions in the scores sorted from high to low.
  const generator = createGenerator(1);
  const draw = (scores: Float32Array) => {
    const descending = scores.slice().sort().reverse();
    return descending.map(() => descending[generator.integer(scores.length)] as number);
  };
  for (let replicate = 0; replicate < 200; replicate++) {
    const again = rankScores(draw(id), draw(ood));
    Object.values(metrics).forEach((metric, position) => {
      expect(seen[position]?.[replicate]).toBe(metric(again));
    });
  }
});

test("the bounds are the interpolated quantiles of the replicates", () => {
  let call = 0;
  const values = [0.5, 0.1, 0.4, 0.2, 0.3];
  const interval = bootstrapIntervals(
    rankScores(id, ood),
    { given: () => values[call++] as number },
    { generator: createGenerator(1), replicates: 5, confidence: 0.8 },
  ).given;
  // numpy.quantile([.1, .2, .3, .4, .5], [.1, .9])
  expect(interval.low).toBeCloseTo(0.14, 12);
  expect(interval.high).toBeCloseTo(0.46, 12);
});

test("one seed gives one interval, another seed another one", () => {
  const run = (seed: number) =>
    bootstrapIntervals(rankScores(id, ood), presetMetrics("official"), {
      generator: createGenerator(seed),
      replicates: 50,
    });
  expect(run(7)).toEqual(run(7));
  expect(run(7)).not.toEqual(run(8));
});

test("a 90 % interval of AUROC covers the true value in about 90 % of repeated experiments", () => {
  const shift = 1;
  const truth = 0.7602499389065233; // normal distribution function at shift / sqrt(2)
  const random = createGenerator(2023);
  const experiments = 300;
  let covered = 0;
  for (let experiment = 0; experiment < experiments; experiment++) {
    const ranking = rankScores(
      Float64Array.from({ length: 80 }, () => normal(random)),
      Float64Array.from({ length: 60 }, () => normal(random) + shift),
    );
    const { low, high } = bootstrapIntervals(
      ranking,
      { auroc },
      { generator: random, replicates: 200, confidence: 0.9 },
    ).auroc;
    if (low <= truth && truth <= high) covered++;
  }
  // Three standard errors of a share of 300 are 0.052.
  expect(covered / experiments).toBeGreaterThan(0.848);
  expect(covered / experiments).toBeLessThan(0.952);
});

test("separable sets give an interval of width 0 instead of failing", () => {
  const interval = bootstrapIntervals(rankScores(Float32Array.of(1, 2), Float32Array.of(3)), presetMetrics("openood"), {
    generator: createGenerator(1),
    replicates: 10,
  });
  expect(interval).toEqual({ auroc: { low: 1, high: 1 }, aupr: { low: 1, high: 1 }, fpr95: { low: 0, high: 0 } });
});

test.each([{ replicates: 1 }, { replicates: 2.5 }, { confidence: 1 }, { confidence: 0 }])(
  "%o is refused",
  (options) => {
    const ranking = rankScores(id, ood);
    expect(() => bootstrapIntervals(ranking, { auroc }, { generator: createGenerator(1), ...options })).toThrow(
      OptionError,
    );
  },
);
