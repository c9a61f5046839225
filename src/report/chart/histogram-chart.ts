import { DataError } from "../../errors.js";
import { coordinate, type Markup, markup } from "../markup.js";
import { axes } from "./axes.js";
import { type ChartText, frame, titleHeight } from "./frame.js";
import { type LegendItem, legendRows, sampleWidth } from "./legend.js";
import { paint, type Role, tones } from "./palette.js";
import { type Domain, extent, niceDomain, type Scale } from "./scale.js";

export interface HistogramSeries {
  readonly name: string;
  /** Images per bin. */
  readonly counts: ArrayLike<number>;
}

export interface HistogramChartOptions extends ChartText {
  readonly xLabel: string;
  /** Unit of the y axis; "share of images (%)" when absent. */
  readonly yLabel?: string;
  /** Ascending, equally spaced, one more than there are bins. */
  readonly edges: ArrayLike<number>;
  /** Shown solid. */
  readonly first: HistogramSeries;
  /** Shown hatched with a dashed outline. */
  readonly second: HistogramSeries;
  /** Range of the x axis, to make several charts comparable; that of the edges when absent. */
  readonly domain?: Domain;
  readonly width?: number;
  readonly height?: number;
}

const roles: readonly [Role, Role] = ["series2", "series1"];

/**
 * Two histograms over the same bins, one over the other. Each is shown as the share of its own images, so that sets of
 * different sizes compare.
 *
 * @throws DataError when counts and edges do not fit
 */
export function histogramChart(options: HistogramChartOptions): Markup {
  const { edges, first, second, width = 256, height = 205, id } = options;
  const shares = [first, second].map((series) => sharesOf(series, edges));
  const x = { label: options.xLabel, domain: options.domain ?? extent(Array.from(edges)) };
  const highest = Math.max(1e-9, ...shares.flat());
  const y = { label: options.yLabel ?? "share of images (%)", domain: niceDomain([0, highest * 100], 4) };
  const hatch = markup`<pattern id="${id}-hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="5" ${paint({ stroke: roles[1] })} stroke-width="1.6" stroke-opacity="0.55"/></pattern>`;
  const items: LegendItem[] = [first, second].map(({ name }, index) => ({
    name,
    sample: (left, middle) =>
      area(`M${left} ${middle + 5}V${middle - 5}H${left + sampleWidth}V${middle + 5}Z`, index, id),
  }));
  const legend = legendRows(items, width, titleHeight);
  const plot = axes(x, y, width, titleHeight + 6 + legend.height, height);
  const areas = shares.map((share, index) => area(outline(edges, share, plot.x, plot.y), index, id));
  return frame(options, width, height, hatch, plot.grid, ...areas, plot.axes, legend.markup);
}

function sharesOf({ name, counts }: HistogramSeries, edges: ArrayLike<number>): number[] {
  if (edges.length !== counts.length + 1 || counts.length === 0) {
    throw new DataError({
      where: `histogram of ${name}`,
      expected: "one more edge than bins, and at least one bin",
      received: `${edges.length} edges and ${counts.length} bins`,
    });
  }
  const total = Array.from(counts).reduce((sum, value) => sum + value, 0);
  return Array.from(counts, (value) => (total === 0 ? 0 : value / total));
}

/** The steps of a histogram, closed along the base line. Empty bins at both ends are left out. */
function outline(edges: ArrayLike<number>, shares: readonly number[], x: Scale, y: Scale): string {
  const start = shares.findIndex((share) => share > 0);
  if (start < 0) return "";
  const end = shares.findLastIndex((share) => share > 0);
  let path = `M${coordinate(x(edges[start] ?? 0))} ${coordinate(y(0))}`;
  for (let bin = start; bin <= end; bin++) {
    path += `V${coordinate(y((shares[bin] ?? 0) * 100))}H${coordinate(x(edges[bin + 1] ?? 0))}`;
  }
  return `${path}V${coordinate(y(0))}Z`;
}

function area(path: string, index: number, id: string): Markup {
  const role = roles[index === 0 ? 0 : 1];
  if (index === 0) {
    return markup`<path d="${path}" ${paint({ fill: role, stroke: role })} fill-opacity="0.28" stroke-width="1.2"/>`;
  }
  return markup`<path d="${path}" fill="url(#${id}-hatch)" class="stroke-${role}" stroke="${tones[role].light}" stroke-width="1.4" stroke-dasharray="4 2"/>`;
}
