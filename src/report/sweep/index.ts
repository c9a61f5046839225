/** The tables of a sweep over recipes and seeds. */
export { renderSweepCsv } from "./csv.js";
export { renderSweepReport, type SweepReport } from "./html.js";
export { escapeLatex, renderSweepLatex } from "./latex.js";
export { renderSweepMarkdown } from "./markdown.js";
export { renderSweepText } from "./text.js";
export { renderSweepTables, writeSweep } from "./write.js";
