import { join } from "node:path";
import { writeFileAtomic } from "../../files.js";
import { renderSweepCsv } from "./csv.js";
import { renderSweepReport, type SweepReport } from "./html.js";
import { renderSweepLatex } from "./latex.js";
import { renderSweepMarkdown } from "./markdown.js";

/** Texts of the files by their names. */
export function renderSweepTables(report: SweepReport): Readonly<Record<string, string>> {
  const page = renderSweepReport(report);
  return {
    "table.md": renderSweepMarkdown(report.tables),
    "table.csv": renderSweepCsv(report.tables),
    "table.tex": renderSweepLatex(report.tables),
    "report.html": page,
  };
}

/** Writes the tables of a sweep into its folder; each file is at any moment the old one or the new one. */
export async function writeSweep(report: SweepReport, folder: string): Promise<void> {
  for (const [name, text] of Object.entries(renderSweepTables(report))) await writeFileAtomic(join(folder, name), text);
}
