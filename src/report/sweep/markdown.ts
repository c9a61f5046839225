import type { SweepTable } from "../../benchmarks/sweep/index.js";
import { escapeMarkdown } from "../markdown.js";
import { type Grid, gridsOf, remarks } from "./grid.js";

/** The tables of a sweep as Markdown (GitHub's), each with what a reader must know. */
export function renderSweepMarkdown(tables: readonly SweepTable[]): string {
  return tables.map(tableMarkdown).join("\n");
}

function tableMarkdown(table: SweepTable): string {
  const grids = table.rows.length === 0 ? [] : gridsOf(table);
  const list = remarks(table).map((sentence) => `- ${escapeMarkdown(sentence)}\n`);
  return [`## ${escapeMarkdown(table.name)}\n`, list.join(""), ...grids.map(gridMarkdown)].join("\n");
}

function gridMarkdown({ title, columns, rows }: Grid): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return [
    `${escapeMarkdown(title)}:\n\n`,
    line(columns.map(({ head }) => escapeMarkdown(head))),
    line(columns.map(({ align }) => (align === "left" ? "---" : "---:"))),
    ...rows.map((row) =>
      line(row.map(({ text, best }) => (best ? `**${escapeMarkdown(text)}**` : escapeMarkdown(text)))),
    ),
  ].join("");
}
