import { expect, test } from "vitest";
import { DataError } from "../errors.js";
import { averageOf, compare, metricColumns, verdictOn } from "./comparison.js";
import type { DetectionRow } from "./types.js";

function row(model: string, ood: string, auroc: number, fpr95: number, score = "energy"): DetectionRow {
  return { model, score, ood, auroc: { value: auroc }, aupr: { value: auroc }, fpr95: { value: fpr95 } };
}

const rows = [
  row("untouched", "far", 0.8, 0.6),
  row("untouched", "near", 0.7, 0.8),
  row("tuned", "far", 0.95, 0.2),
  row("tuned", "near", 0.68, 0.85),
];

test("a near set that gets worse is called worse although the average gets better", () => {
  const { lines, sets } = compare(rows, "untouched");
  const tuned = lines[1];
  expect(sets).toEqual(["far", "near"]);
  expect(tuned?.average?.auroc).toMatchObject({ verdict: "better", best: true });
  expect(tuned?.sets[1]?.auroc).toMatchObject({ verdict: "worse", best: false });
  expect(tuned?.sets[1]?.auroc.difference).toBeCloseTo(-0.02, 12);
});

test("a lower false positive rate is better, a higher one worse", () => {
  const tuned = compare(rows, "untouched").lines[1];
  expect(tuned?.sets.map((cells) => cells?.fpr95.verdict)).toEqual(["better", "worse"]);
  expect(tuned?.sets.map((cells) => cells?.fpr95.best)).toEqual([true, false]);
  expect(tuned?.sets[0]?.fpr95.difference).toBeCloseTo(-0.4, 12);
});

test("the baseline has no difference to itself, and nothing has one without a baseline", () => {
  expect(compare(rows, "untouched").lines[0]?.sets[0]?.auroc.difference).toBeUndefined();
  for (const baseline of [undefined, "missing"]) {
    for (const line of compare(rows, baseline).lines) expect(line.sets[0]?.auroc).not.toHaveProperty("difference");
  }
});

test("a model is compared with the baseline's same score, and not at all where the baseline lacks it", () => {
  const { lines } = compare(
    [...rows, row("tuned", "far", 0.9, 0.3, "msp"), row("tuned", "near", 0.5, 0.9, "msp")],
    "untouched",
  );
  expect(lines.map(({ score, model }) => `${score} ${model}`)).toEqual([
    "energy untouched",
    "energy tuned",
    "msp tuned",
  ]);
  expect(lines[2]?.sets[0]?.auroc.difference).toBeUndefined();
});

test("numbers that read the same are all best", () => {
  const { lines } = compare([row("a", "s", 0.90001, 0.1), row("b", "s", 0.90004, 0.2), row("c", "s", 0.9, 0.3)], "a");
  expect(lines.map((line) => line.sets[0]?.auroc.best)).toEqual([true, true, true]);
  expect(lines.map((line) => line.sets[0]?.auroc.verdict)).toEqual([undefined, "same", "same"]);
});

test("a single line is not called best", () => {
  const cells = compare([row("only", "s", 0.9, 0.1)], "only").lines[0]?.sets[0];
  expect(metricColumns.map(({ key }) => cells?.[key].best)).toEqual([false, false, false]);
});

test("a metric that could not be measured is neither best nor compared", () => {
  const { lines } = compare([row("a", "s", 0.9, 0.1), row("b", "s", Number.NaN, 0.05), row("c", "s", 0.8, 0.2)], "a");
  expect(lines.map((line) => line.sets[0]?.auroc.best)).toEqual([true, false, false]);
  expect(lines[1]?.sets[0]?.auroc.difference).toBeUndefined();
});

test("the average counts every set the same, and there is none when a set is missing", () => {
  expect(averageOf(rows.slice(2))).toMatchObject({
    auroc: { value: (0.95 + 0.68) / 2 },
    fpr95: { value: (0.2 + 0.85) / 2 },
  });
  expect(averageOf([])).toBeUndefined();
  const [, tuned] = compare(rows.slice(0, 3), "untouched").lines;
  expect(tuned?.average).toBeUndefined();
  expect(tuned?.sets).toHaveLength(2);
  expect(tuned?.sets[1]).toBeUndefined();
});

test("two results for the same thing are refused by name", () => {
  expect(() => compare([...rows, row("tuned", "far", 0.1, 0.1)], "untouched")).toThrow(DataError);
  expect(() => compare([...rows, row("tuned", "far", 0.1, 0.1)], "untouched")).toThrow(
    /model "tuned".*"energy".*"far"/,
  );
});

test("zero is neither better nor worse", () => {
  expect([0.01, -0.01, 0].map((difference) => verdictOn(difference, true))).toEqual(["better", "worse", "same"]);
});
