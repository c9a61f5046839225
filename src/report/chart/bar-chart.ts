import { DataError } from "../../errors.js";
import { tickLabel } from "../format.js";
import { coordinate, type Markup, markup } from "../markup.js";
import { axes, xAxisHeight } from "./axes.js";
import { type ChartText, fittedLabel, fontSize, frame, label, textWidth, titleHeight } from "./frame.js";
import { paint } from "./palette.js";
import { linearScale, niceDomain, tickStep, ticks } from "./scale.js";

export interface BarChartOptions extends ChartText {
  /** In the order in which they are drawn. Values are zero or more, in the unit of `valueLabel`. */
  readonly bars: readonly { readonly name: string; readonly value: number }[];
  /** What the values are, with their unit. */
  readonly valueLabel: string;
  /** What the bars are, for charts too dense to name each. */
  readonly barLabel: string;
  /** A value to compare the bars with, drawn as a dashed line. */
  readonly reference?: { readonly value: number; readonly label: string };
  readonly width?: number;
}

/** Up to this many bars lie one below the other, each with its name and its value. */
export const mostNamedBars = 32;

/**
 * Bars from zero. A few lie one below the other with names and values; many stand side by side over their rank, with
 * some of the names; more than there are pixels are averaged in groups of neighbours.
 */
export function barChart(options: BarChartOptions): Markup {
  for (const { name, value } of options.bars) {
    if (!(value >= 0 && value < Infinity)) {
      throw new DataError({ where: `bar "${name}"`, expected: "a value of zero or more", received: String(value) });
    }
  }
  return options.bars.length <= mostNamedBars ? namedBars(options) : denseBars(options);
}

function namedBars(options: BarChartOptions): Markup {
  const { bars, reference, width = 640 } = options;
  const rowHeight = 19;
  const top = titleHeight + (reference === undefined ? 4 : 20);
  const bottom = top + bars.length * rowHeight;
  const nameWidth = Math.min(width * 0.34, Math.max(...bars.map(({ name }) => textWidth(name)), 0) + 4);
  const left = nameWidth + 8;
  const highest = Math.max(...bars.map(({ value }) => value), reference?.value ?? 0) || 1;
  const right = width - 48;
  const target = Math.max(2, (right - left) / 70);
  const domain = niceDomain([0, highest], target);
  const x = linearScale(domain, [left, right]);
  const step = tickStep(domain, target);
  const marks = ticks(domain, target).map(
    (value) =>
      markup`<line x1="${x(value)}" y1="${top}" x2="${x(value)}" y2="${bottom}" ${paint({ stroke: "grid" })}/>${label(x(value), bottom + 15, tickLabel(value, step), { anchor: "middle", muted: true })}`,
  );
  const rows = bars.map(({ name, value }, index) => {
    const y = top + index * rowHeight;
    const base = y + rowHeight / 2 + fontSize * 0.35;
    return markup`${fittedLabel(nameWidth, base, name, nameWidth, { anchor: "end" })}<rect x="${left}" y="${y + 3}" width="${x(value) - left}" height="${rowHeight - 6}" ${paint({ fill: "series2" })}/>${label(x(value) + 5, base, value.toFixed(2), { muted: true })}`;
  });
  const height = bottom + xAxisHeight;
  return frame(
    options,
    width,
    height,
    markup`<g>${marks}</g>`,
    markup`<line x1="${left}" y1="${top}" x2="${left}" y2="${bottom}" ${paint({ stroke: "axis" })}/>`,
    markup`<g>${rows}</g>`,
    markup`${reference && referenceLine(x(reference.value), top - 3, x(reference.value), bottom, x(reference.value), top - 7, "middle", reference.label)}`,
    label((left + right) / 2, height - 4, options.valueLabel, { anchor: "middle" }),
  );
}

function denseBars(options: BarChartOptions): Markup {
  const { bars, reference, width = 720 } = options;
  const height = 340;
  const count = bars.length;
  const nameRoom = 108;
  const highest = Math.max(...bars.map(({ value }) => value), reference?.value ?? 0) || 1;
  const plot = axes(
    { label: options.barLabel, domain: [0.5, count + 0.5] },
    { label: options.valueLabel, domain: niceDomain([0, highest], 5) },
    width,
    titleHeight + 8,
    height,
    nameRoom,
  );
  const { x, y, area } = plot;
  const groups = groupNeighbours(bars, Math.floor(area.right - area.left));
  const barWidth = (area.right - area.left) / groups.length;
  const gap = barWidth > 4 ? barWidth * 0.2 : 0;
  const path = groups
    .map((value, index) => {
      const left = area.left + index * barWidth + gap / 2;
      return `M${coordinate(left)} ${coordinate(y(0))}V${coordinate(y(value))}h${coordinate(barWidth - gap)}V${coordinate(y(0))}Z`;
    })
    .join("");
  const named = spread(count, Math.min(count, Math.floor((area.right - area.left) / 28)));
  const names = named.map((index) => {
    const at = x(index + 1) + fontSize * 0.35;
    return fittedLabel(at, area.bottom + 24, bars[index]?.name ?? "", nameRoom - 8, { anchor: "end", rotate: -90 });
  });
  return frame(
    options,
    width,
    height,
    plot.grid,
    markup`<path data-bars="${groups.length}" d="${path}" ${paint({ fill: "series2" })}/>`,
    plot.axes,
    markup`<g>${names}</g>`,
    markup`${reference && referenceLine(area.left, y(reference.value), area.right, y(reference.value), area.right, y(reference.value) - 5, "end", reference.label)}`,
  );
}

function referenceLine(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  labelX: number,
  labelY: number,
  anchor: "middle" | "end",
  text: string,
): Markup {
  return markup`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${paint({ stroke: "ink" })} stroke-dasharray="4 3"/>${label(labelX, labelY, text, { anchor })}`;
}

/** Mean value of runs of neighbours, at most `most` of them; the bars themselves when they are few enough. */
function groupNeighbours(bars: BarChartOptions["bars"], most: number): number[] {
  const groups = Math.min(bars.length, most);
  return Array.from({ length: groups }, (_, group) => {
    const members = bars.slice(
      Math.floor((group * bars.length) / groups),
      Math.floor(((group + 1) * bars.length) / groups),
    );
    return members.reduce((sum, { value }) => sum + value, 0) / members.length;
  });
}

/** Indices spread over `count`, first and last among them. */
function spread(count: number, most: number): number[] {
  if (most < 2) return [0];
  return Array.from({ length: most }, (_, index) => Math.round((index * (count - 1)) / (most - 1)));
}
