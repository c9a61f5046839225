import type { SweepTable } from "../../benchmarks/sweep/index.js";
import { type Grid, gridsOf, remarks } from "./grid.js";

/** The tables of a sweep as LaTeX, to be read in by a document that uses the package `booktabs`. */
export function renderSweepLatex(tables: readonly SweepTable[]): string {
  return tables.map((table) => `${tableLatex(table)}\n`).join("\n");
}

function tableLatex(table: SweepTable): string {
  const comments = remarks(table).map((sentence) => `% ${sentence.replace(/\s+/g, " ")}`);
  const grids = table.rows.length === 0 ? [] : gridsOf(table);
  return [
    `% ${table.name.replace(/\s+/g, " ")}`,
    ...comments,
    ...grids.map((grid) => gridLatex(grid, table.name)),
  ].join("\n");
}

function gridLatex({ id, title, columns, rows }: Grid, name: string): string {
  const line = (cells: readonly string[]) => `    ${cells.join(" & ")} \\\\`;
  return [
    "\\begin{table}",
    "  \\centering",
    `  \\caption{${escapeLatex(`${name}: ${title}`)}}`,
    `  \\label{tab:${name.replace(/[^\w.-]+/g, "-")}-${id}}`,
    `  \\begin{tabular}{${columns.map(({ align }) => (align === "left" ? "l" : "r")).join("")}}`,
    "    \\toprule",
    line(columns.map(({ head }) => escapeLatex(head))),
    "    \\midrule",
    ...rows.map((row) =>
      line(row.map(({ text, best }) => (best ? `\\textbf{${escapeLatex(text)}}` : escapeLatex(text)))),
    ),
    "    \\bottomrule",
    "  \\end{tabular}",
    "\\end{table}",
  ].join("\n");
}

/** Omicron has no command: it looks like an o. */
const greekNames =
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi o pi rho varsigma sigma tau upsilon phi chi psi omega";
const greek = Object.fromEntries(
  greekNames.split(" ").map((name, at) => [String.fromCodePoint(0x3b1 + at), name === "o" ? "o" : `$\\${name}$`]),
);

const replacements: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "|": "\\textbar{}",
  "±": "$\\pm$",
  "−": "$-$",
  "↑": "$\\uparrow$",
  "↓": "$\\downarrow$",
  "–": "--",
  "≤": "$\\leq$",
  "≥": "$\\geq$",
  "×": "$\\times$",
  ...greek,
};

/** Text that LaTeX shows as it is, also after a line break, which would take a bracket or a star for its own. */
export function escapeLatex(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[\\^~<>|±−↑↓–≤≥×]|[α-ω]|[&%$#_{}]/g, (character) => replacements[character] ?? `\\${character}`)
    .replace(/^[[*]/, "{}$&");
}
