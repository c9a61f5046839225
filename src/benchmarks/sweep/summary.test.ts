import { expect, test } from "vitest";
import { demoState } from "../../../test/report/sweep-state.js";
import { summarize } from "./summary.js";

test("mean, sample deviation and the paper's difference, by hand", () => {
  const [table] = summarize(demoState());
  const row = table?.rows.find(({ recipe }) => recipe === "demo/energy");
  // 0.9 and 0.94: mean 0.92, deviations ∓0.02, variance 2 · 0.0004 / 1.
  expect(row?.average.auroc.mean).toBeCloseTo(0.92, 12);
  expect(row?.average.auroc.deviation).toBeCloseTo(Math.sqrt(0.0008), 12);
  expect(row?.average.auroc.values).toEqual([0.9, 0.94]);
  expect(row?.average.auroc.paper?.value).toBe(0.9192);
  expect(row?.average.auroc.paper?.difference).toBeCloseTo(0.0008, 12);
  expect(row?.average.aupr).not.toHaveProperty("paper");
  expect(row?.sets.map(({ fpr95 }) => fpr95.mean)).toEqual([0.35, 0.25]);
  expect(row?.groups?.few?.mean).toBeCloseTo(0.45, 12);
  expect(row?.adjusted?.mean).toBeCloseTo(0.72, 12);
  expect(row?.seeds).toEqual([1, 2]);
});

test("rows ascend by their order; a recipe with two scores has two, and the paper's numbers belong to the first", () => {
  const [table] = summarize(demoState());
  expect(table?.rows.map(({ title }) => title)).toEqual([
    "ST & MSP",
    "OE_tuned (msp)",
    "OE_tuned (energy)",
    "=Energy | 50 %",
  ]);
  const [, first, second] = table?.rows ?? [];
  expect(first?.average.auroc.paper?.value).toBe(0.8504);
  expect(second?.average.auroc).not.toHaveProperty("paper");
});

test("a single seed has no deviation, and a run without numbers is named with its reason", () => {
  const [table] = summarize(demoState());
  expect(table?.rows[0]?.average.auroc.deviation).toBeUndefined();
  expect(table?.missing).toEqual([
    { title: "Broken", reason: "the disk is full" },
    { title: "Later", reason: "no loss yet" },
  ]);
});

test("a seed that failed is named, too, where the others have numbers", () => {
  const state = demoState();
  const energy = state.plan.runs[3] as (typeof state.plan.runs)[number];
  const numbers = new Map([...state.numbers].filter(([run]) => run !== energy));
  const [table] = summarize({ ...state, numbers, failures: new Map([[energy, "out of memory"]]) });
  expect(table?.rows.find(({ recipe }) => recipe === "demo/energy")?.seeds).toEqual([1]);
  expect(table?.missing).toContainEqual({ title: "=Energy | 50 %, seed 2", reason: "out of memory" });
});

test("priors are means over seeds in the order of the classes", () => {
  const [table] = summarize(demoState());
  expect(table?.priors).toEqual([
    { title: "=Energy | 50 %", classNames: ["cat", "dog"], share: [0.75, 0.25], outliers: 40, seeds: 2 },
  ]);
});
