import { expect, test } from "vitest";
import { drawSvg, elements } from "../../../test/report/markup-checks.js";
import { DataError } from "../../errors.js";
import { barChart } from "./bar-chart.js";

const text = { id: "bars", title: "Bars", description: "Some bars.", valueLabel: "share (%)", barLabel: "rank" };
const bars = (values: readonly number[]) => values.map((value, index) => ({ name: `bar ${index}`, value }));

/** The path of all bars of a dense chart. */
function densePath(svg: string): string {
  return elements(svg, "path").find((attributes) => attributes["data-bars"] !== undefined)?.d ?? "";
}

/** Heights of the bars of a dense chart, in pixels. */
function denseHeights(svg: string): number[] {
  return densePath(svg)
    .split("Z")
    .slice(0, -1)
    .map((bar) => {
      const [base, top] = /^M\S+ (\S+)V(\S+)h/.exec(bar)?.slice(1).map(Number) ?? [];
      return (base ?? Number.NaN) - (top ?? Number.NaN);
    });
}

test("named bars are as long as their values, and zero has no length", () => {
  const svg = barChart({ ...text, bars: bars([40, 20, 5, 0]) }).text;
  const widths = elements(svg, "rect").map(({ width }) => Number(width));
  expect(widths).toHaveLength(4);
  expect((widths[1] ?? 0) / (widths[0] ?? 0)).toBeCloseTo(0.5, 3);
  expect((widths[2] ?? 0) / (widths[0] ?? 0)).toBeCloseTo(0.125, 3);
  expect(widths[3]).toBe(0);
});

test("every named bar has its name and its value beside it", () => {
  const svg = barChart({ ...text, bars: [{ name: "cat & dog", value: 12.345 }] }).text;
  expect(svg).toContain(">cat &amp; dog</text>");
  expect(svg).toContain(">12.35</text>");
});

test("dense bars are as high as their values", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  const heights = denseHeights(barChart({ ...text, bars: bars(values) }).text);
  expect(heights).toHaveLength(100);
  const unit = (heights[0] ?? 0) / 100;
  // Coordinates keep two decimals, so both ends of a bar are off by at most 0.005.
  for (const [index, height] of heights.entries()) expect(Math.abs(height - unit * (100 - index))).toBeLessThan(0.021);
});

test("more bars than pixels are averaged, which keeps their mean", () => {
  const values = Array.from({ length: 5000 }, (_, index) => (index % 2 === 0 ? 4 : 0));
  const svg = barChart({ ...text, bars: bars(values), reference: { value: 2, label: "mean" } }).text;
  const heights = denseHeights(svg);
  expect(heights.length).toBeLessThan(720);
  const reference = elements(svg, "line").find((line) => line["stroke-dasharray"] === "4 3");
  const base = Number(/^M\S+ (\S+?)V/.exec(densePath(svg))?.[1]);
  const mean = heights.reduce((sum, height) => sum + height, 0) / heights.length;
  // Groups are 7 or 8 bars, so their plain mean is not exactly that of the bars.
  expect(Math.abs(mean - (base - Number(reference?.y1)))).toBeLessThan(0.5);
});

test.each([1, 10, 32, 33, 100, 1000, 5000])(
  "a chart of %d bars is well-formed and no wider than it says",
  async (count) => {
    const svg = barChart({ ...text, bars: bars(Array.from({ length: count }, (_, index) => 1 / (index + 1))) }).text;
    const { width } = await drawSvg(svg);
    expect(width).toBe(Number(elements(svg, "svg")[0]?.width));
    expect(svg.length).toBeLessThan(60_000);
  },
);

test("a value that is no length is refused by the name of its bar", () => {
  for (const value of [-1, Number.NaN, Infinity]) {
    expect(() => barChart({ ...text, bars: [{ name: "cat", value }] })).toThrow(DataError);
    expect(() => barChart({ ...text, bars: [{ name: "cat", value }] })).toThrow(/bar "cat"/);
  }
});
