import { expect, test } from "vitest";
import { drawSvg, elements, pathPoints } from "../../../test/report/markup-checks.js";
import { standaloneSvg } from "./frame.js";
import { type LineChartOptions, lineChart, type Point } from "./line-chart.js";
import { seriesStyle } from "./palette.js";

const options = (points: readonly Point[], more: Partial<LineChartOptions> = {}): LineChartOptions => ({
  id: "line",
  title: "Line",
  description: "A line.",
  x: { label: "x", domain: [0, 10] },
  y: { label: "y", domain: [0, 100] },
  series: [{ name: "one", points, style: seriesStyle(1) }],
  legend: "above",
  ...more,
});

const line = (svg: string) => elements(svg, "path").find((path) => path["stroke-linejoin"] === "round")?.d ?? "";

test("points lie where their values are: equal steps are equally far, upwards is up", () => {
  const [a, b, c] = pathPoints(
    line(
      lineChart(
        options([
          [0, 0],
          [5, 50],
          [10, 100],
        ]),
      ).text,
    ),
  );
  expect((b?.[0] ?? 0) - (a?.[0] ?? 0)).toBeCloseTo((c?.[0] ?? 0) - (b?.[0] ?? 0), 1);
  expect((a?.[1] ?? 0) - (b?.[1] ?? 0)).toBeCloseTo((b?.[1] ?? 0) - (c?.[1] ?? 0), 1);
  expect(a?.[1]).toBeGreaterThan(b?.[1] ?? 0);
});

test("a missing value leaves a gap instead of a line across it", () => {
  const path = line(
    lineChart(
      options([
        [0, 0],
        [2, 20],
        [4, Number.NaN],
        [6, 60],
        [8, 80],
      ]),
    ).text,
  );
  expect(path.match(/M/g)).toHaveLength(2);
  expect(path).not.toContain("NaN");
});

test("a curve of 100,000 points is drawn with no more than the plot has pixels, and ends where the data end", () => {
  const points = Array.from(
    { length: 100_001 },
    (_, index): Point => [index / 10_000, 100 * Math.sqrt(index / 100_000)],
  );
  const drawn = pathPoints(line(lineChart(options(points)).text));
  const ends = pathPoints(
    line(
      lineChart(
        options([
          [0, 0],
          [10, 100],
        ]),
      ).text,
    ),
  );
  expect(drawn.length).toBeLessThan(700);
  expect([drawn[0], drawn.at(-1)]).toEqual(ends);
});

test("a legend in the corner that would cover the diagonal goes above, and the chart grows by it", () => {
  const series = (names: readonly string[]) =>
    names.map((name, index) => ({
      name,
      points: [
        [0, 0],
        [10, 100],
      ] as const,
      style: seriesStyle(index),
    }));
  const height = (names: readonly string[]) =>
    Number(elements(lineChart(options([], { legend: "corner", series: series(names) })).text, "svg")[0]?.height);
  expect(height(["a", "b"])).toBe(270);
  expect(height(Array.from({ length: 8 }, (_, index) => `a rather long name ${index}`))).toBeGreaterThan(270);
});

test.each([
  ["nothing", []],
  ["one point", [[3, 3]]],
  ["nothing finite", [[Number.NaN, 1]]],
] as const)("a line with %s is drawn without harm", async (_, points) => {
  const svg = lineChart(options(points)).text;
  expect(svg).not.toMatch(/NaN|undefined/);
  await drawSvg(svg);
});

test("a hostile name cannot leave its text, and the file is well-formed on its own", async () => {
  const name = `</title><script>alert(1)</script>"'&\u0000`;
  const chart = lineChart(
    options([], {
      title: name,
      description: name,
      series: [0, 1].map((index) => ({
        name,
        points: [
          [0, 0],
          [1, 1],
        ],
        style: seriesStyle(index),
      })),
    }),
  );
  expect(chart.text).not.toContain("<script");
  const file = standaloneSvg(chart);
  expect(file.startsWith('<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg"')).toBe(true);
  await drawSvg(file);
});

test("a chart in a file has a white ground with a margin, whatever the title says", async () => {
  const { width, height, data } = await drawSvg(
    standaloneSvg(lineChart(options([], { title: "$& $1", width: 300, height: 200 }))),
  );
  expect([width, height]).toEqual([332, 232]);
  expect([...data.subarray(0, 3)]).toEqual([255, 255, 255]);
});

test("the title and the description are what a screen reader announces", () => {
  const svg = lineChart(options([])).text;
  expect(elements(svg, "svg")[0]).toMatchObject({ role: "img", "aria-labelledby": "line-title line-description" });
  expect(svg).toContain('<title id="line-title">Line</title><desc id="line-description">A line.</desc>');
});
