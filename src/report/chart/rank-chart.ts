import { type Markup, markup } from "../markup.js";
import { xAxisHeight } from "./axes.js";
import { type ChartText, fittedLabel, fontSize, frame, label, textWidth, titleHeight } from "./frame.js";
import { marker } from "./marker.js";
import { paint } from "./palette.js";
import { linearScale } from "./scale.js";

export interface RankChartOptions extends ChartText {
  /** What is ranked, in the order in which it is drawn, with its rank in each contest; 1 is best, halves stand for ties. */
  readonly rows: readonly { readonly name: string; readonly ranks: readonly number[] }[];
  /** What the ranks are of. */
  readonly valueLabel: string;
  /** What one small mark stands for. */
  readonly contestLabel: string;
  readonly width?: number;
}

const rowHeight = 19;

/** One line per name: a ring for its rank in each contest, a diamond and a number for the mean. */
export function rankChart(options: RankChartOptions): Markup {
  const { rows, width = 720 } = options;
  const top = titleHeight + 20;
  const bottom = top + rows.length * rowHeight;
  const nameWidth = Math.min(width * 0.34, Math.max(...rows.map(({ name }) => textWidth(name))) + 4);
  const [left, right] = [nameWidth + 14, width - 42];
  const x = linearScale([1, rows.length], [left, right]);
  const every = Math.max(1, Math.ceil(rows.length / 12));
  const marks = Array.from({ length: rows.length }, (_, index) => index + 1)
    .filter((rank) => (rank - 1) % every === 0)
    .map(
      (rank) =>
        markup`<line x1="${x(rank)}" y1="${top}" x2="${x(rank)}" y2="${bottom}" ${paint({ stroke: "grid" })}/>${label(x(rank), bottom + 15, String(rank), { anchor: "middle", muted: true })}`,
    );
  const lines = rows.map(({ name, ranks }, index) => {
    const y = top + (index + 0.5) * rowHeight;
    const base = y + fontSize * 0.35;
    const mean = ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length;
    return markup`${fittedLabel(nameWidth, base, name, nameWidth, { anchor: "end" })}<line x1="${x(Math.min(...ranks))}" y1="${y}" x2="${x(Math.max(...ranks))}" y2="${y}" ${paint({ stroke: "axis" })}/>${ranks.map((rank) => marker("ring", x(rank), y, "muted"))}${marker("diamond", x(mean), y, "series2")}${label(width, base, mean.toFixed(1), { anchor: "end", muted: true })}`;
  });
  const height = bottom + xAxisHeight;
  return frame(
    options,
    width,
    height,
    markup`<g>${marker("ring", left, titleHeight + 6, "muted")}${label(left + 9, titleHeight + 10, options.contestLabel, { muted: true })}${marker("diamond", left + 30 + textWidth(options.contestLabel), titleHeight + 6, "series2")}${label(left + 39 + textWidth(options.contestLabel), titleHeight + 10, "mean, at the right in numbers", { muted: true })}</g>`,
    markup`<g>${marks}</g>`,
    markup`<g>${lines}</g>`,
    label((left + right) / 2, height - 4, options.valueLabel, { anchor: "middle" }),
  );
}
