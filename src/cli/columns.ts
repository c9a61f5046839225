/** Lines of a table, columns two spaces apart. Columns are aligned left unless said otherwise. */
export function inColumns(
  rows: readonly (readonly string[])[],
  alignments: readonly ("left" | "right")[] = [],
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) =>
        alignments[column] === "right" ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}
