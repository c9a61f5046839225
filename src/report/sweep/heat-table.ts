import type { DetectionKey, SweepTable } from "../../benchmarks/sweep/index.js";
import { metricColumns } from "../comparison.js";
import { percentage } from "../format.js";
import { type Markup, markup } from "../markup.js";
import { cellText, metricNames } from "./grid.js";

/** Deepest tint, light enough for text on it in both themes. */
const deepest = 0.5;

/**
 * Methods by OOD sets under one metric, the deeper the tint the better: tints go from the worst number of a column to its best, as sets
 * differ in how hard they are.
 */
export function heatTable(table: SweepTable, key: DetectionKey): Markup {
  const { higherIsBetter } = metricColumns.find((metric) => metric.key === key) as (typeof metricColumns)[number];
  const columns = [
    ...(table.sets.length > 1 ? [{ name: "average", cells: table.rows.map((row) => row.average[key]) }] : []),
    ...table.sets.map(({ name }, index) => ({ name, cells: table.rows.map((row) => row.sets[index]?.[key]) })),
  ].map((column) => {
    const means = column.cells.flatMap((cell) => cell?.mean ?? []);
    return { ...column, low: Math.min(...means), high: Math.max(...means) };
  });
  const body = table.rows.map(
    (row, place) =>
      markup`<tr><th scope="row">${row.title}</th>${columns.map(({ cells, low, high }) => {
        const cell = cells[place];
        if (cell === undefined) return markup`<td>–</td>`;
        const share = high > low ? (cell.mean - low) / (high - low) : 0;
        const tint = deepest * (higherIsBetter ? share : high > low ? 1 - share : 0);
        return markup`<td class="heat" style="--tint:${tint.toFixed(3)}" title="${cellText(cell)}">${percentage(cell.mean)}</td>`;
      })}</tr>`,
  );
  const name = metricNames[key];
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${name} of each method on each OOD set, table"><table class="full"><caption><span class="line">${name} in percent, ${
    higherIsBetter ? "higher" : "lower"
  } is better; the deeper the blue, the better in its column. Point at a number to see its spread.</span></caption><thead><tr><th scope="col" class="text">Method</th>${columns.map(
    (column) => markup`<th scope="col">${column.name}</th>`,
  )}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** What the cells need beside the rules of all reports. */
export const heatStyle =
  "td.heat{background:rgb(0 114 178/var(--tint));print-color-adjust:exact;-webkit-print-color-adjust:exact}";
