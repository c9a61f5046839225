import { clean, displayWidth, padded } from "../report/text-width.js";

/** Lines of a table, columns two spaces apart, without control characters. Columns are aligned left unless said otherwise. */
export function inColumns(
  rows: readonly (readonly string[])[],
  alignments: readonly ("left" | "right")[] = [],
): string[] {
  const cells = rows.map((row) => row.map(clean));
  const widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, displayWidth(cell));
    });
  }
  return cells.map((row) =>
    row
      .map((cell, column) => padded(cell, widths[column] ?? 0, alignments[column]))
      .join("  ")
      .trimEnd(),
  );
}
