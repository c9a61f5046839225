import { expect, test } from "vitest";
import { drawSvg, elements, pathPoints } from "../../../test/report/markup-checks.js";
import { DataError } from "../../errors.js";
import { histogramChart } from "./histogram-chart.js";

const options = {
  id: "h",
  title: "untouched",
  description: "Two histograms.",
  xLabel: "energy score",
  edges: [-4, -2, 0, 2],
  first: { name: "in-distribution", counts: [10, 30, 0] },
  second: { name: "svhn", counts: [0, 1, 3] },
};

/** Outlines of both histograms; the legend's samples come after them. */
function outlines(svg: string): [number, number][][] {
  return elements(svg, "path")
    .slice(0, 2)
    .map(({ d = "" }) => pathPoints(d));
}

test("each histogram shows shares of its own images, so that sets of different sizes compare", () => {
  const [first = [], second = []] = outlines(histogramChart(options).text);
  const heights = (points: [number, number][]) => {
    const base = points[0]?.[1] ?? 0;
    return [...new Set(points.map(([, y]) => base - y))].filter((height) => height > 0).sort((a, b) => a - b);
  };
  const [quarter = 0, threeQuarters = 0] = heights(first);
  expect(threeQuarters / quarter).toBeCloseTo(3, 2);
  // 1 of 4 images is as high as 10 of 40.
  expect(heights(second)).toEqual([quarter, threeQuarters]);
});

test("bins lie where their edges are, and empty bins at the ends are not outlined", () => {
  const [first = [], second = []] = outlines(histogramChart(options).text);
  const xs = (points: [number, number][]) => [...new Set(points.map(([x]) => x))];
  const [a = 0, b = 0, c = 0] = xs(first);
  const [d = 0, e = 0, f = 0] = xs(second);
  expect([b, c]).toEqual([d, e]);
  expect(b - a).toBeCloseTo(f - e, 1);
});

test("a domain wider than the edges moves the bins, so that panels share an axis", () => {
  const [narrow = []] = outlines(histogramChart(options).text);
  const [wide = []] = outlines(histogramChart({ ...options, domain: [-4, 8] }).text);
  const span = (points: [number, number][]) => (points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0);
  expect(span(wide) / span(narrow)).toBeCloseTo(0.5, 2);
});

test("typed arrays, a set without images and a single bin are drawn", async () => {
  const svg = histogramChart({
    ...options,
    edges: Float64Array.of(0, 1),
    first: { name: "a", counts: Uint32Array.of(5) },
    second: { name: "b", counts: Uint32Array.of(0) },
  }).text;
  expect(svg).not.toContain("NaN");
  await drawSvg(svg);
});

test("counts that do not fit the edges are refused", () => {
  expect(() => histogramChart({ ...options, second: { name: "svhn", counts: [1, 2] } })).toThrow(DataError);
  expect(() => histogramChart({ ...options, second: { name: "svhn", counts: [1, 2] } })).toThrow(
    "histogram of svhn: expected one more edge than bins, and at least one bin, got 4 edges and 2 bins",
  );
});
