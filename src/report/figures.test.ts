import { expect, test } from "vitest";
import { sampleReport } from "../../test/report/sample-report.js";
import { bucketMeans, scoreHistograms, trainingCurves } from "./figures.js";

test("short runs are drawn as they are, long ones as means of neighbours", () => {
  const short = [1, 2, 3].map((step) => [step, step * 10] as const);
  expect(bucketMeans(short)).toEqual(short);
  const long = Array.from({ length: 3000 }, (_, index) => [index + 1, index % 2 === 0 ? 4 : 2] as const);
  const means = bucketMeans(long);
  expect(means).toHaveLength(150);
  expect(means[0]).toEqual([10.5, 3]);
  expect(means.every(([, value]) => value === 3)).toBe(true);
});

test("a value that is not finite does not spoil its neighbours, and a stretch without any stays a gap", () => {
  const points = Array.from(
    { length: 300 },
    (_, index) => [index, index < 2 ? Number.NaN : index === 2 ? Infinity : 5] as const,
  );
  expect(bucketMeans(points).slice(0, 3)).toEqual([
    [0.5, Number.NaN],
    [2.5, 5],
    [4.5, 5],
  ]);
});

test("a quantity that a loss does not have gets no panel, a model that was not trained no row", () => {
  const report = sampleReport({ models: ["untouched", "ce"] });
  const models = report.models.map((model) =>
    model.training === undefined
      ? model
      : {
          ...model,
          training: model.training.map((point) => ({ ...point, regularization: Number.NaN, outEnergy: Number.NaN })),
        },
  );
  const rows = trainingCurves({ ...report, models });
  expect(rows).toHaveLength(1);
  const row = rows[0]?.text ?? "";
  expect([...row.matchAll(/<title id="[^"]*">(.*?)<\/title>/g)].map(([, title]) => title)).toEqual([
    "Loss",
    "Mean energy of a batch",
    "Learning rate",
  ]);
  expect(row).toContain('data-series="in-distribution"');
  expect(row).not.toContain('data-series="outliers"');
});

test("histograms of one score share their axis, those of another score have their own", () => {
  const report = sampleReport({ models: ["untouched", "tuned", "oe"], sets: ["far"] });
  const ranges = [
    [0, 10, "energy"],
    [90, 100, "energy"],
    [0, 1, "msp"],
  ] as const;
  const models = report.models.map((model, index) => {
    const [low, high, score] = ranges[index] as (typeof ranges)[number];
    const histogram = { edges: [low, high], id: [5], ood: [5] };
    return { ...model, curves: [{ ood: "far", score, roc: [], histogram }] };
  });
  const panels =
    scoreHistograms({ ...report, models })[0]
      ?.text.split("<svg")
      .slice(1) ?? [];
  const largest = panels.map((panel) =>
    Math.max(
      ...[...panel.matchAll(/text-anchor="middle"[^>]*fill-muted[^>]*>([\d.]+)</g)].map(([, tick]) => Number(tick)),
    ),
  );
  expect(largest).toEqual([100, 100, 1]);
});
