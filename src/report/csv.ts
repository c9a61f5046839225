import { metricColumns } from "./comparison.js";
import type { DetectionRow, MetricValue } from "./types.js";

/**
 * The results as CSV (RFC 4180, UTF-8, LF line ends), one line per model, score and OOD set, values as fractions at full
 * precision. Interval columns are there when any row has an interval. Averages are left out: whoever reads a table of numbers would add
 * them up with the rest.
 *
 * Text that a spreadsheet would run as a formula gets an apostrophe in front, as OWASP's "CSV Injection" advises.
 */
export function renderCsv(rows: readonly DetectionRow[]): string {
  const intervals = rows.some((row) => metricColumns.some(({ key }) => row[key].interval !== undefined));
  const header = metricColumns.flatMap(({ key }) => (intervals ? [key, `${key}_low`, `${key}_high`] : [key]));
  const numbers = ({ value, interval }: MetricValue) => (intervals ? [value, interval?.[0], interval?.[1]] : [value]);
  const lines = rows.map((row) => [
    ...[row.model, row.score, row.ood].map(csvText),
    ...metricColumns.flatMap(({ key }) => numbers(row[key]).map(csvNumber)),
  ]);
  return [["model", "score", "ood", ...header], ...lines].map((line) => `${line.join(",")}\n`).join("");
}

function csvNumber(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "" : String(value);
}

/** A text cell: quoted where CSV needs it, made harmless where a spreadsheet would take it for a formula. */
export function csvText(text: string): string {
  // Spreadsheets trim before they look, and read full-width signs like plain ones.
  const harmless = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
