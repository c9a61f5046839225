import type { SweepTable } from "../../benchmarks/sweep/index.js";
import { clean, displayWidth, padded, truncate } from "../text-width.js";
import { type Grid, gridsOf, remarks } from "./grid.js";

const gap = 2;
const narrowestName = 24;
/** A name, AUROC and FPR95 with their spreads. */
const narrowest = 56;

/**
 * The averages of a sweep for a terminal, and what the paper reports beside them. No line is wider than it has columns, from 56 on: columns of
 * the table are left out, and last the names of methods are cut.
 */
export function renderSweepText(tables: readonly SweepTable[], columns: number): string {
  const width = Math.max(narrowest, columns);
  return tables
    .map((table) => {
      const shown =
        table.rows.length === 0 ? [] : gridsOf(table).filter(({ id }) => id === "averages" || id === "paper");
      return [
        clean(table.name),
        ...shown.flatMap((grid) => ["", ...gridLines(grid, width)]),
        "",
        ...remarks(table).flatMap((sentence) => wrap(clean(sentence), width)),
      ].join("\n");
    })
    .join("\n\n");
}

function gridLines(grid: Grid, width: number): string[] {
  let kept = grid.columns.map((_, column) => column);
  const lengths = grid.columns.map(({ head }, column) =>
    Math.max(displayWidth(head), ...grid.rows.map((row) => displayWidth(cellText(row[column])))),
  );
  const others = () => kept.slice(1).reduce((sum, column) => sum + (lengths[column] ?? 0) + gap, 0);
  const least = Math.min(narrowestName, lengths[0] ?? 0);
  while (others() + least > width) {
    const last = kept.toSorted((a, b) => (grid.columns[b]?.drop ?? 0) - (grid.columns[a]?.drop ?? 0))[0];
    if (last === undefined || grid.columns[last]?.drop === 0) break;
    kept = kept.filter((column) => column !== last);
  }
  const nameWidth = Math.max(least, Math.min(lengths[0] ?? 0, width - others()));
  const line = (texts: readonly string[]) =>
    kept
      .map((column, place) => {
        const size = place === 0 ? nameWidth : (lengths[column] ?? 0);
        const text = place === 0 ? truncate(texts[column] ?? "", size) : (texts[column] ?? "");
        return padded(text, size, grid.columns[column]?.align);
      })
      .join(" ".repeat(gap))
      .trimEnd();
  return [
    truncate(grid.title, width),
    line(grid.columns.map(({ head }) => clean(head))),
    ...grid.rows.map((row) => line(row.map(cellText))),
  ];
}

/** The best carry a star. */
const cellText = (cell: Grid["rows"][number][number] | undefined): string =>
  cell === undefined ? "" : cell.best ? `*${clean(cell.text)}` : clean(cell.text);

function wrap(sentence: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of sentence.split(/\s+/)) {
    if (line !== "" && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
