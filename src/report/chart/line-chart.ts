import { coordinate, type Markup, markup } from "../markup.js";
import { type Axis, axes, type PlotArea, xAxisHeight } from "./axes.js";
import { type ChartText, frame, label, titleHeight } from "./frame.js";
import { columnSize, type LegendItem, legendColumn, legendRows, sampleWidth } from "./legend.js";
import { marker } from "./marker.js";
import { paint, type SeriesStyle } from "./palette.js";

export type Point = readonly [x: number, y: number];

export interface Series {
  readonly name: string;
  /** In drawing order. Where a coordinate is not finite the line has a gap. */
  readonly points: readonly Point[];
  readonly style: SeriesStyle;
}

export interface LineChartOptions extends ChartText {
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** `corner`: lower right inside the plot, for curves that leave it free; above all the same when it is too large for that. */
  readonly legend: "above" | "corner";
  /** Thin lines to read the curves against, drawn below them. */
  readonly references?: readonly { readonly from: Point; readonly to: Point; readonly label?: string }[];
  readonly width?: number;
  readonly height?: number;
}

/** Lines over two linear axes. Points closer than a pixel are drawn as one. */
export function lineChart(options: LineChartOptions): Markup {
  const { width = 340 } = options;
  const items = options.series.map((series) => legendItem(series));
  const inCorner = options.legend === "corner" && fitsCorner(items, width, options.height ?? defaultHeight);
  const above = items.length > 1 && !inCorner ? legendRows(items, width, titleHeight) : undefined;
  // A legend that had to leave the corner must not make the plot smaller than its neighbours'.
  const height = (options.height ?? defaultHeight) + (options.legend === "corner" ? (above?.height ?? 0) : 0);
  const top = titleHeight + 8 + (above?.height ?? 0);
  const { x, y, area, grid, axes: axisMarks } = axes(options.x, options.y, width, top, height);
  const references = (options.references ?? []).map(
    ({ from, to, label: text }) =>
      markup`<line x1="${x(from[0])}" y1="${y(from[1])}" x2="${x(to[0])}" y2="${y(to[1])}" ${paint({ stroke: "axis" })} stroke-dasharray="2 3"/>${
        text === undefined ? undefined : label(area.right, y(to[1]) - 4, text, { anchor: "end", muted: true })
      }`,
  );
  const lines = options.series.map((series, index) => {
    const runs = finiteRuns(series.points.map(([px, py]) => [x(px), y(py)] as const));
    return drawSeries(runs, series, index / options.series.length);
  });
  const corner = inCorner && items.length > 1 ? legendColumn(items, area.right - 6, area.bottom - 6) : undefined;
  return frame(
    options,
    width,
    height,
    grid,
    markup`${references}`,
    axisMarks,
    clip(options.id, area, lines),
    markup`${corner ?? above?.markup}`,
  );
}

const defaultHeight = 270;

/** Whether the legend stays below the diagonal from the lower left to the upper right, where ROC curves rarely are. */
function fitsCorner(items: readonly LegendItem[], width: number, height: number): boolean {
  const size = columnSize(items);
  const [plotWidth, plotHeight] = [width - 60, height - titleHeight - xAxisHeight - 8];
  return (size.width + 6) / plotWidth + (size.height + 6) / plotHeight < 1;
}

function legendItem({ name, style }: Series): LegendItem {
  return {
    name,
    sample: (x, y) =>
      markup`<line x1="${x}" y1="${y}" x2="${x + sampleWidth}" y2="${y}" ${paint({ stroke: style.role })} stroke-width="1.6" stroke-dasharray="${style.dash}"/>${marker(style.marker, x + sampleWidth / 2, y, style.role)}`,
  };
}

/** Keeps what lies outside the axes from being drawn over labels; a line on the edge keeps its full width. */
function clip(id: string, { left, right, top, bottom }: PlotArea, content: readonly Markup[]): Markup {
  return markup`<clipPath id="${id}-clip"><rect x="${left - 4}" y="${top - 4}" width="${right - left + 8}" height="${bottom - top + 8}"/></clipPath><g clip-path="url(#${id}-clip)">${content}</g>`;
}

/** Cuts a line where it has gaps, and leaves out points too close to the last one to be seen. */
function finiteRuns(points: readonly Point[]): Point[][] {
  const runs: Point[][] = [];
  let run: Point[] = [];
  points.forEach((point, index) => {
    if (!Number.isFinite(point[0]) || !Number.isFinite(point[1])) {
      if (run.length > 0) runs.push(run);
      run = [];
      return;
    }
    const last = run.at(-1);
    const isEnd = index === points.length - 1;
    if (last === undefined || isEnd || Math.hypot(point[0] - last[0], point[1] - last[1]) >= 0.75) run.push(point);
  });
  if (run.length > 0) runs.push(run);
  return runs;
}

const markersPerLine = 5;

function drawSeries(runs: readonly Point[][], { style, name }: Series, offset: number): Markup {
  const path = runs
    .map((run) => run.map(([x, y], index) => `${index === 0 ? "M" : "L"}${coordinate(x)} ${coordinate(y)}`).join(""))
    .join("");
  const points = runs.flat();
  return markup`<g data-series="${name}"><path d="${path}" ${paint({ stroke: style.role })} stroke-width="1.6" stroke-linejoin="round" stroke-dasharray="${style.dash}"/>${evenly(points, offset).map(([x, y]) => marker(style.marker, x, y, style.role))}</g>`;
}

/** Points at equal distances along a line; `offset` (0 to 1) moves them so that the markers of neighbours do not collide. */
function evenly(points: readonly Point[], offset: number): Point[] {
  const lengths = [0];
  points.forEach((point, index) => {
    const next = points[index + 1];
    if (next !== undefined) lengths.push((lengths[index] ?? 0) + Math.hypot(next[0] - point[0], next[1] - point[1]));
  });
  const total = lengths.at(-1) ?? 0;
  return Array.from({ length: markersPerLine }, (_, index) => {
    const target = ((index + 0.15 + offset * 0.7) / markersPerLine) * total;
    return points[lengths.findIndex((length) => length >= target)];
  }).filter((point) => point !== undefined);
}
