import { expect, test } from "vitest";
import { sampleReport } from "../../test/report/sample-report.js";
import { renderJson } from "./json.js";

test("rows and averages are fractions, and pictures and curves stay out", () => {
  const report = sampleReport({ models: ["untouched", "tuned"], sets: ["far", "near"], intervals: true });
  const document = JSON.parse(renderJson(report));
  const { rows } = report.models[1] as (typeof report.models)[number];
  expect(Object.keys(document.models[1])).toEqual(["name", "id", "rows", "average"]);
  expect(document.models[1].rows[0]).toEqual({
    ood: "far",
    score: "energy",
    auroc: rows[0]?.auroc.value,
    aupr: rows[0]?.aupr.value,
    fpr95: rows[0]?.fpr95.value,
    intervals: { auroc: rows[0]?.auroc.interval, aupr: rows[0]?.aupr.interval, fpr95: rows[0]?.fpr95.interval },
  });
  expect(document.models[1].average).toHaveLength(1);
  expect(document.models[1].average[0].auroc).toBeCloseTo(
    ((rows[0]?.auroc.value ?? 0) + (rows[1]?.auroc.value ?? 0)) / 2,
    14,
  );
  expect(document).toMatchObject({
    title: report.title,
    baseline: "untouched",
    notes: report.notes,
    prior: report.prior,
  });
});

test("what could not be measured is null", () => {
  const report = sampleReport({ models: ["m"], sets: ["far"] });
  const models = report.models.map((model) => ({
    ...model,
    rows: model.rows.map((row) => ({ ...row, aupr: { value: Number.NaN } })),
  }));
  expect(JSON.parse(renderJson({ ...report, models })).models[0].rows[0].aupr).toBeNull();
});
