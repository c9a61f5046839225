import type { Cell, SweepRow, SweepTable } from "../../benchmarks/sweep/index.js";
import { barChart, rankChart } from "../chart/index.js";
import { count, percentage } from "../format.js";
import { type Markup, markup } from "../markup.js";
import { renderPage, type Section } from "../page.js";
import { ranksOf } from "../ranks.js";
import { type Grid, gridsOf, remarks, sourceRemark } from "./grid.js";
import { heatStyle, heatTable } from "./heat-table.js";
import { seedChart } from "./seed-chart.js";

export interface SweepReport {
  readonly title: string;
  readonly tables: readonly SweepTable[];
  /** Versions and settings of the sweep: shown as given. */
  readonly facts: readonly (readonly [name: string, value: string])[];
}

/** The sweep as one HTML file: averages, heat tables of methods by OOD sets, ranks, seeds, priors, and how it was done. */
export function renderSweepReport({ title, tables, facts }: SweepReport): string {
  const sections = tables.flatMap((table, index) => {
    const own = table.rows.length === 0 ? [] : tableSections(table, `t${index + 1}`);
    const several = tables.length > 1;
    return [...own, remarksSection(table, `t${index + 1}`)].map((section) => ({
      ...section,
      title: several ? `${table.name}: ${section.title}` : section.title,
    }));
  });
  const list = markup`<dl>${facts.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
  return renderPage({
    title,
    lead: tables.map(headline).join(" "),
    protocol: [
      "Every number is in percent. OOD is the positive class.",
      // What a number may be compared with must be read before the numbers.
      ...new Set(tables.flatMap(({ notes }) => notes[0] ?? [])),
    ].join(" "),
    sections: [...sections, ...(facts.length === 0 ? [] : [{ id: "facts", title: "Settings", content: list }])],
    style: heatStyle,
  });
}

/** Says which method has the best mean, and whether its lead is more than the seeds' spread. */
function headline({ name, rows, missing }: SweepTable): string {
  const [best, second] = rows.toSorted((a, b) => a.average.fpr95.mean - b.average.fpr95.mean);
  if (best === undefined) return `${name}: nothing is finished yet.`;
  const left = missing.length === 0 ? "" : ` ${missing.length} of its rows have no numbers yet.`;
  const start = `${name}: of ${rows.length} rows ${best.title} has the lowest mean FPR95, ${percentage(best.average.fpr95.mean)} %`;
  if (second === undefined) return `${start}.${left}`;
  const lead = second.average.fpr95.mean - best.average.fpr95.mean;
  const spread = Math.max(best.average.fpr95.deviation ?? Number.NaN, second.average.fpr95.deviation ?? Number.NaN);
  const against = Number.isNaN(spread)
    ? "how much of that is chance, one seed does not say"
    : `the larger of the two spreads over seeds is ${percentage(spread)}`;
  if (percentage(lead) === percentage(0)) return `${start}, as has ${second.title}.${left}`;
  return `${start}, ahead of ${second.title} by ${percentage(lead)} points; ${against}.${left}`;
}

function tableSections(table: SweepTable, id: string): Section[] {
  const grids = gridsOf(table);
  const averages = grids.find((grid) => grid.id === "averages") as Grid;
  const paper = grids.find((grid) => grid.id === "paper");
  return [
    { id: `${id}-results`, title: "Results", content: gridTable(averages) },
    {
      id: `${id}-sets`,
      title: "By OOD set",
      content: markup`${heatTable(table, "auroc")}${heatTable(table, "fpr95")}${heatTable(table, "aupr")}`,
    },
    ...rankSection(table, id),
    seedSection(table, id),
    ...(table.priors.length === 0 ? [] : [priorSection(table, id)]),
    ...(paper === undefined
      ? []
      : [
          {
            id: `${id}-paper`,
            title: "Beside the paper",
            content: markup`${table.sources.map((source) => markup`<p class="explain">${sourceRemark(source)}</p>`)}${gridTable(paper)}`,
          },
        ]),
  ];
}

function gridTable({ title, columns, rows }: Grid): Markup {
  const head = columns.map(
    ({ head: name, align }) =>
      markup`<th scope="col"${align === "left" ? markup` class="text"` : undefined}>${name}</th>`,
  );
  const body = rows.map(
    (row) =>
      markup`<tr>${row.map(({ text, best }, column) => {
        const [value = "", spread] = text.split(" ± ");
        const number = best ? markup`<strong>${value}</strong>` : value === "" ? "–" : value;
        const shown = spread === undefined ? number : markup`${number}<small>± ${spread}</small>`;
        if (column === 0) return markup`<th scope="row">${shown}</th>`;
        return columns[column]?.align === "left" ? markup`<td class="text">${shown}</td>` : markup`<td>${shown}</td>`;
      })}</tr>`,
  );
  return markup`<div class="scroll wide" tabindex="0" role="region" aria-label="${title}, table"><table class="full"><caption><span class="line">${title}.</span></caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function rankSection({ rows, sets }: SweepTable, id: string): Section[] {
  if (rows.length < 3 || sets.length < 2) return [];
  const ranked = ranksOf(rows.map((row) => ({ name: row.title, values: row.sets.map(({ auroc }) => auroc.mean) })));
  const chart = rankChart({
    id: `${id}-rank-chart`,
    title: "Ranks of the methods",
    note: `${rows.length} methods, ${sets.length} OOD sets`,
    description: `Rank of each of ${rows.length} methods by mean AUROC on each of ${sets.length} OOD sets, and their mean. Best on average: ${ranked[0]?.name}.`,
    rows: ranked,
    valueLabel: "rank by AUROC (1: best)",
    contestLabel: "one OOD set",
  });
  return [
    {
      id: `${id}-ranks`,
      title: "Ranks",
      content: markup`<p class="explain">Which method comes out first on which OOD set. Rings far apart in one line mean that the method depends on what it is shown; few sets say little about small differences of means.</p>${chart}`,
    },
  ];
}

function seedSection({ name, rows }: SweepTable, id: string): Section {
  const chart = (part: string, title: string, of: (row: SweepRow) => Cell | undefined) => {
    const shown = rows.flatMap((row) => {
      const cell = of(row);
      return cell === undefined ? [] : [{ name: row.title, cell }];
    });
    if (shown.length === 0) return undefined;
    const words = shown.map((row) => `${row.name}: ${row.cell.values.map(percentage).join(", ")}`).join("; ");
    const text = { title, description: `${title} of each method and seed, ${name}. ${words}.` };
    return markup`<figure>${seedChart({ id: `${id}-${part}`, ...text, rows: shown, valueLabel: `${title} (%)` })}</figure>`;
  };
  return {
    id: `${id}-seeds`,
    title: "Seeds",
    content: markup`<p class="explain">Every seed as a ring. Where the rings of two methods overlap, these seeds do not tell them apart.</p>${[
      chart("auroc", "AUROC, average over the OOD sets", (row) => row.average.auroc),
      chart("fpr95", "FPR95, average over the OOD sets", (row) => row.average.fpr95),
      chart("accuracy", "Accuracy", (row) => row.accuracy),
      chart("miou", "mIoU of the classes", (row) => row.miou),
      chart("few", "Accuracy of few-shot classes", (row) => row.groups?.few),
    ]}`,
  };
}

function priorSection({ priors, task }: SweepTable, id: string): Section {
  const what = task === "segmentation" ? "pixels of pasted objects" : "outliers";
  const charts = priors.map(({ title, classNames, share, outliers, seeds }, index) => {
    const bars = share.map((value, place) => ({ name: classNames[place] ?? "", value: 100 * value }));
    const even = 100 / share.length;
    return markup`<figure>${barChart({
      id: `${id}-prior-${index + 1}`,
      title,
      note: `${count(outliers)} ${what}, ${seeds === 1 ? "one seed" : `mean of ${seeds} seeds`}`,
      description: `Share of ${count(outliers)} ${what} that the model puts into each of ${share.length} classes, in the order of the classes. ${bars.map(({ name, value }) => `${name} ${value.toFixed(2)} %`).join(", ")}.`,
      bars,
      valueLabel: "share of outliers (%)",
      barLabel: "class, in the order of the data (of a long tail: frequent classes first)",
      reference: { value: even, label: `even share, ${even.toFixed(2)} %` },
    })}</figure>`;
  });
  return {
    id: `${id}-priors`,
    title: "What the outliers look like to the models",
    content: markup`<p class="explain">Which class the model of a row takes the outliers for. Classes are in the order of the data, which in a long-tailed set is from the most frequent to the rarest.</p>${charts}`,
  };
}

function remarksSection(table: SweepTable, id: string): Section {
  const list = markup`<ul class="notes">${remarks(table).map((sentence) => markup`<li>${sentence}</li>`)}</ul>`;
  return { id: `${id}-how`, title: "How it was done", content: list };
}
