import {
  type Cell,
  type Cells,
  type Comparison,
  compare,
  type Line,
  type MetricColumn,
  metricColumns,
  verdictOn,
} from "./comparison.js";
import { percentage, signedPoints } from "./format.js";
import { type Markup, markup } from "./markup.js";
import type { ModelResult, Report } from "./types.js";

const widestPortrait = 6;

/** The table of all detection results: a block per metric, a line per model, a column per OOD set. */
export function detectionTable(report: Report): Markup {
  const comparison = compare(
    report.models.flatMap((model) => model.rows),
    report.baseline,
  );
  if (comparison.lines.length === 0) return markup`<p>No detection results.</p>`;
  const { sets, scores, lines } = comparison;
  const columns = columnsOf(comparison);
  const leading = scores.length > 1 ? 2 : 1;
  const compared = lines.some(({ isBaseline }) => isBaseline) && lines.some(({ isBaseline }) => !isBaseline);
  const head = markup`<thead><tr><th scope="col" class="text">Model</th>${
    leading === 2 ? markup`<th scope="col" class="text">Score</th>` : undefined
  }${columns.map(({ name, isAverage }) => markup`<th scope="col"${isAverage ? markup` class="average"` : undefined}>${name}</th>`)}</tr></thead>`;
  const bodies = metricColumns.map(
    (metric) =>
      markup`<tbody class="metric"><tr><th scope="rowgroup" colspan="${leading + columns.length}">${blockTitle(metric)}</th></tr>${lines.map(
        (line, index) =>
          markup`<tr${startsScore(lines, index) ? markup` class="next"` : undefined}><th scope="row">${line.model}</th>${leading === 2 ? markup`<td class="text">${line.score}</td>` : undefined}${columns.map(
            ({ isAverage, of }) => detectionCell(of(line)?.[metric.key], isAverage),
          )}</tr>`,
      )}</tbody>`,
  );
  const wide = columns.length > widestPortrait ? " wide" : "";
  const scoreNote = scores.length === 1 ? ` by the ${scores[0]} score` : "";
  return markup`<div class="scroll${wide}" tabindex="0" role="region" aria-label="Detection of out-of-distribution images, table"><table${columns.length > 2 ? markup` class="full"` : undefined}><caption><span class="line">Detection of ${
    sets.length === 1 ? "one OOD set" : `${sets.length} OOD sets`
  }${scoreNote}, in percent.${lines.length > 1 ? " The best number of each column is bold." : ""}${
    columns[0]?.isAverage ? " The average counts every OOD set the same." : ""
  }</span></caption>${head}${bodies}</table></div>${compared ? tableKey(report.baseline, lines) : undefined}`;
}

/** Whether a line is the first of its score, but for the first score of all. */
function startsScore(lines: readonly Line[], index: number): boolean {
  return index > 0 && lines[index]?.score !== lines[index - 1]?.score;
}

interface Column {
  readonly name: string;
  readonly isAverage: boolean;
  readonly of: (line: Line) => Cells | undefined;
}

function columnsOf({ sets }: Comparison): Column[] {
  const perSet = sets.map((name, index): Column => ({ name, isAverage: false, of: (line) => line.sets[index] }));
  // The average of one set would say the same twice.
  if (sets.length < 2) return perSet;
  return [{ name: "Average", isAverage: true, of: (line) => line.average }, ...perSet];
}

function blockTitle({ key, label, arrow }: MetricColumn): Markup {
  const name = key === "fpr95" ? "FPR95, false positive rate at 95 % recall" : label;
  const way = arrow === "↑" ? "higher is better" : "lower is better";
  return markup`${name} <span aria-hidden="true">${arrow}</span><span class="sr">, ${way}</span>`;
}

function detectionCell(cell: Cell | undefined, isAverage: boolean): Markup {
  const classes = [isAverage ? "average" : "", cell?.verdict === "worse" ? "worse" : ""].filter((name) => name !== "");
  const attribute = classes.length === 0 ? undefined : markup` class="${classes.join(" ")}"`;
  if (cell === undefined) return markup`<td${attribute}>–</td>`;
  return markup`<td${attribute}>${valueMarkup(cell)}${differenceMarkup(cell)}${
    cell.interval === undefined
      ? undefined
      : markup`<small><span class="sr">95 % interval </span>${percentage(cell.interval[0])}–${percentage(cell.interval[1])}</small>`
  }</td>`;
}

function valueMarkup({ value, best }: { readonly value: number; readonly best: boolean }): Markup {
  return best ? markup`<strong>${percentage(value)}</strong>` : markup`${percentage(value)}`;
}

function differenceMarkup({ difference, verdict }: Pick<Cell, "difference" | "verdict">): Markup | undefined {
  if (difference === undefined || verdict === undefined) return undefined;
  const glyph = verdict === "worse" ? markup` <span aria-hidden="true">✗</span>` : undefined;
  return markup`<small class="${verdict}">${signedPoints(difference)}${glyph}<span class="sr">, ${verdict}</span></small>`;
}

function tableKey(baseline: string, lines: readonly Line[]): Markup {
  const hasIntervals = lines.some((line) => line.sets.some((cells) => cells?.auroc.interval !== undefined));
  return markup`<p class="key">Second line: difference to ${baseline} in percentage points, <span class="better">blue where better</span>, <span class="worse">tinted and marked ✗ where worse</span>.${
    hasIntervals ? " Third line: 95 % interval." : ""
  }</p>`;
}

/** Accuracy on the in-distribution test set, with the difference to the baseline; undefined when no model has it. */
export function accuracyTable({ models, baseline }: Report): Markup | undefined {
  const measured = models.filter(({ accuracy }) => accuracy !== undefined);
  if (measured.length === 0) return undefined;
  const hasGroups = measured.some(({ accuracyGroups }) => accuracyGroups !== undefined);
  const columns: { readonly name: string; readonly of: (model: ModelResult) => number | undefined }[] = [
    { name: "All classes", of: ({ accuracy }) => accuracy },
    ...(hasGroups ? (["many", "medium", "few"] as const) : []).map((group) => ({
      name: `${group.charAt(0).toUpperCase()}${group.slice(1)}-shot`,
      of: ({ accuracyGroups }: ModelResult) => accuracyGroups?.[group],
    })),
    ...(measured.some(({ adjusted }) => adjusted !== undefined)
      ? [
          { name: "Adjusted logits", of: ({ adjusted }: ModelResult) => adjusted?.accuracy },
          { name: "Adjusted, few-shot", of: ({ adjusted }: ModelResult) => adjusted?.groups.few },
        ]
      : []),
  ];
  const reference = models.find(({ name }) => name === baseline);
  const cell = (model: ModelResult, of: (model: ModelResult) => number | undefined) => {
    const value = of(model);
    if (value === undefined || !Number.isFinite(value)) return markup`<td>–</td>`;
    const shown = measured.map((other) => of(other) ?? Number.NaN).filter(Number.isFinite);
    const best = shown.length > 1 && percentage(value) === percentage(Math.max(...shown));
    const from = reference === undefined || model === reference ? undefined : of(reference);
    const difference = value - (from ?? Number.NaN);
    const verdict = Number.isFinite(difference) ? verdictOn(difference, true) : undefined;
    return markup`<td${verdict === "worse" ? markup` class="worse"` : undefined}>${valueMarkup({ value, best })}${
      verdict && differenceMarkup({ difference, verdict })
    }</td>`;
  };
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Accuracy, table"><table><caption><span class="line">Accuracy on the in-distribution test images, in percent <span aria-hidden="true">↑</span><span class="sr">(higher is better)</span>.</span></caption><thead><tr><th scope="col" class="text">Model</th>${columns.map(({ name }) => markup`<th scope="col">${name}</th>`)}</tr></thead><tbody>${measured.map(
    (model) => markup`<tr><th scope="row">${model.name}</th>${columns.map(({ of }) => cell(model, of))}</tr>`,
  )}</tbody></table></div>`;
}
