import type { Cell } from "../../benchmarks/sweep/index.js";
import { xAxisHeight } from "../chart/axes.js";
import { type ChartText, fittedLabel, fontSize, frame, label, textWidth, titleHeight } from "../chart/frame.js";
import { marker } from "../chart/marker.js";
import { paint } from "../chart/palette.js";
import { extent, linearScale, niceDomain, tickStep, ticks } from "../chart/scale.js";
import { percentage, tickLabel } from "../format.js";
import { type Markup, markup } from "../markup.js";

export interface SeedChartOptions extends ChartText {
  /** In the order in which they are drawn. */
  readonly rows: readonly { readonly name: string; readonly cell: Cell }[];
  /** What is measured, with its unit. */
  readonly valueLabel: string;
  readonly width?: number;
}

const rowHeight = 19;

/** A line per method: a ring for each seed, a diamond and a number for the mean. What overlaps cannot be told apart by these seeds. */
export function seedChart(options: SeedChartOptions): Markup {
  const { rows, width = 720 } = options;
  const top = titleHeight + 20;
  const bottom = top + rows.length * rowHeight;
  const nameWidth = Math.min(width * 0.4, Math.max(...rows.map(({ name }) => textWidth(name)), 0) + 4);
  const [left, right] = [nameWidth + 14, width - 48];
  const target = Math.max(2, (right - left) / 70);
  const domain = niceDomain(extent(rows.flatMap(({ cell }) => cell.values.map((value) => 100 * value))), target);
  const x = linearScale(domain, [left, right]);
  const step = tickStep(domain, target);
  const grid = ticks(domain, target).map(
    (value) =>
      markup`<line x1="${x(value)}" y1="${top}" x2="${x(value)}" y2="${bottom}" ${paint({ stroke: "grid" })}/>${label(x(value), bottom + 15, tickLabel(value, step), { anchor: "middle", muted: true })}`,
  );
  const lines = rows.map(({ name, cell }, index) => {
    const y = top + (index + 0.5) * rowHeight;
    const base = y + fontSize * 0.35;
    const places = cell.values.map((value) => x(100 * value));
    return markup`${fittedLabel(nameWidth, base, name, nameWidth, { anchor: "end" })}<line x1="${Math.min(...places)}" y1="${y}" x2="${Math.max(...places)}" y2="${y}" ${paint({ stroke: "axis" })}/>${places.map((place) => marker("ring", place, y, "muted"))}${marker("diamond", x(100 * cell.mean), y, "series2")}${label(width, base, percentage(cell.mean), { anchor: "end", muted: true })}`;
  });
  const key = "one seed";
  return frame(
    options,
    width,
    bottom + xAxisHeight,
    markup`<g>${marker("ring", left, titleHeight + 6, "muted")}${label(left + 9, titleHeight + 10, key, { muted: true })}${marker("diamond", left + 30 + textWidth(key), titleHeight + 6, "series2")}${label(left + 39 + textWidth(key), titleHeight + 10, "mean, at the right in numbers", { muted: true })}</g>`,
    markup`<g>${grid}</g>`,
    markup`<g>${lines}</g>`,
    label((left + right) / 2, bottom + xAxisHeight - 4, options.valueLabel, { anchor: "middle" }),
  );
}
