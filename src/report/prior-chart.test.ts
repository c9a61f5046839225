import { expect, test } from "vitest";
import { drawSvg, elements } from "../../test/report/markup-checks.js";
import { DataError } from "../errors.js";
import { renderPriorChart } from "./prior-chart.js";

const prior = { classNames: ["cat", "ship <3", "dog"], share: [0.1, 0.7, 0.2], outliers: 20000 };

test("classes are sorted by their share, and the even share is marked", async () => {
  const svg = renderPriorChart(prior);
  await drawSvg(svg);
  const order = ["ship &lt;3", "dog", "cat"].map((name) => svg.indexOf(`>${name}</text>`));
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(order[0]).toBeGreaterThan(0);
  expect(svg).toContain(">even share, 33.33 %</text>");
  expect(svg).toContain("20,000 outliers");
  const widths = elements(svg, "rect")
    .slice(1)
    .map(({ width }) => Number(width));
  expect((widths[1] ?? 0) / (widths[0] ?? 0)).toBeCloseTo(2 / 7, 3);
});

test("the chart in a file is light everywhere and dark where the reader's system is", async () => {
  const svg = renderPriorChart(prior);
  expect(svg).toMatch(/@media \(prefers-color-scheme: dark\)\{\.paper\{fill:#14171b\}/);
  expect([...(await drawSvg(svg)).data.subarray(0, 3)]).toEqual([255, 255, 255]);
});

test("names and shares that do not fit each other are refused", () => {
  expect(() => renderPriorChart({ ...prior, share: [1] })).toThrow(DataError);
  expect(() => renderPriorChart({ ...prior, share: [1] })).toThrow("3 names and 1 shares");
  expect(() => renderPriorChart({ classNames: [], share: [], outliers: 0 })).toThrow(DataError);
});
