import { type Cell, compare, metricColumns } from "./comparison.js";
import { percentage, signedPoints } from "./format.js";
import type { DetectionRow } from "./types.js";

export interface MarkdownTableOptions {
  /** Model that the others are compared with; no differences when absent. */
  readonly baseline?: string;
}

/**
 * The results as a Markdown table (GitHub's), in percent: a line per model, score and OOD set, and the average below the sets of
 * each score. The best of each set is bold, differences to the baseline are in parentheses, `(worse)` says so where they are bad news.
 */
export function renderMarkdownTable(rows: readonly DetectionRow[], options: MarkdownTableOptions = {}): string {
  const { sets, lines } = compare(rows, options.baseline);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  const heads = metricColumns.map(({ label, arrow }) => `${label} ${arrow} (%)`);
  let table = line(["OOD set", "Model", "Score", ...heads]) + line(["---", "---", "---", "---:", "---:", "---:"]);
  const columns = sets.map((name, index) => ({
    name: escapeMarkdown(name),
    of: (at: (typeof lines)[number]) => at.sets[index],
  }));
  if (sets.length > 1) columns.push({ name: "*average*", of: ({ average }) => average });
  for (const { name, of } of columns) {
    for (const each of lines) {
      const cells = of(each);
      if (cells === undefined) continue;
      table += line([
        name,
        escapeMarkdown(each.model),
        escapeMarkdown(each.score),
        ...metricColumns.map(({ key }) => cellText(cells[key])),
      ]);
    }
  }
  return table;
}

function cellText({ value, best, difference, verdict }: Cell): string {
  const number = best ? `**${percentage(value)}**` : percentage(value);
  if (difference === undefined) return number;
  return `${number} (${signedPoints(difference)}${verdict === "worse" ? ", worse" : ""})`;
}

/** Text that Markdown shows as it is, on one line. */
export function escapeMarkdown(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_{}[\]<>()#+!|~&$@-]/g, "\\$&");
}
