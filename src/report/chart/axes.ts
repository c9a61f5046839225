import { tickLabel } from "../format.js";
import { type Markup, markup } from "../markup.js";
import { fontSize, label, textWidth } from "./frame.js";
import { paint } from "./palette.js";
import { type Domain, linearScale, type Scale, tickStep, ticks } from "./scale.js";

export interface Axis {
  /** What is measured, with its unit in parentheses: `false positive rate (%)`. */
  readonly label: string;
  readonly domain: Domain;
}

/** The rectangle data are drawn in, in pixels of the chart. */
export interface PlotArea {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Axes {
  readonly x: Scale;
  readonly y: Scale;
  readonly area: PlotArea;
  /** Grid lines, below the data. */
  readonly grid: Markup;
  /** Axis lines, tick labels and axis labels, above the data. */
  readonly axes: Markup;
}

const xTickSpacing = 55;
const yTickSpacing = 38;
/** Room below the plot for tick labels and the axis label. */
export const xAxisHeight = 36;

/**
 * Lays out both axes of a chart whose plot may use `top` to `height`, and draws them.
 *
 * @param nameRoom  pixels left free between the tick labels and the label of the x axis, for the caller to fill
 */
export function axes(xAxis: Axis, yAxis: Axis, width: number, top: number, height: number, nameRoom = 0): Axes {
  const bottom = height - xAxisHeight - nameRoom;
  const yTarget = Math.max(2, (bottom - top) / yTickSpacing);
  const yTicks = ticks(yAxis.domain, yTarget);
  const yStep = tickStep(yAxis.domain, yTarget);
  const left = 28 + Math.max(...yTicks.map((value) => textWidth(tickLabel(value, yStep))));
  const xTarget = Math.max(2, (width - left) / xTickSpacing);
  const xTicks = ticks(xAxis.domain, xTarget);
  const xStep = tickStep(xAxis.domain, xTarget);
  // The last tick label is centred on its tick, which may be the end of the axis, and must not be cut off.
  const right = width - 2 - Math.max(10, textWidth(tickLabel(xTicks.at(-1) ?? 0, xStep)) / 2);
  const x = linearScale(xAxis.domain, [left, right]);
  const y = linearScale(yAxis.domain, [bottom, top]);
  const gridLine = (x1: number, y1: number, x2: number, y2: number) =>
    markup`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${paint({ stroke: "grid" })}/>`;
  const middle = (top + bottom) / 2;
  return {
    x,
    y,
    area: { left, right, top, bottom },
    grid: markup`<g>${yTicks.map((value) => gridLine(left, y(value), right, y(value)))}</g>`,
    axes: markup`<g><line x1="${left}" y1="${bottom}" x2="${right}" y2="${bottom}" ${paint({ stroke: "axis" })}/>${xTicks.map(
      (value) =>
        markup`<line x1="${x(value)}" y1="${bottom}" x2="${x(value)}" y2="${bottom + 4}" ${paint({ stroke: "axis" })}/>`,
    )}</g><g>${xTicks.map((value) => label(x(value), bottom + 16, tickLabel(value, xStep), { anchor: "middle", muted: true }))}${yTicks.map(
      (value) => label(left - 6, y(value) + fontSize * 0.35, tickLabel(value, yStep), { anchor: "end", muted: true }),
    )}</g>${label((left + right) / 2, height - 4, xAxis.label, { anchor: "middle" })}${label(10, middle, yAxis.label, {
      anchor: "middle",
      rotate: -90,
    })}`,
  };
}
