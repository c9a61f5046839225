import type { Cell, SweepRow, SweepTable } from "../../benchmarks/sweep/index.js";
import { metricColumns } from "../comparison.js";
import { csvText } from "../csv.js";

const header = [
  "table",
  "recipe",
  "method",
  "score",
  "ood",
  "metric",
  "n",
  "seeds",
  "mean",
  "deviation",
  "paper",
  "difference",
  "values",
];

/**
 * Every number of a sweep as CSV (RFC 4180, UTF-8, LF line ends), one line per number; fractions at full precision. `ood` is empty for
 * accuracies, and `average` for means over the OOD sets; `values` has one number for each of
 * `seeds`, in their order, spaces between.
 */
export function renderSweepCsv(tables: readonly SweepTable[]): string {
  const lines = tables.flatMap((table) => table.rows.flatMap((row) => rowLines(table, row)));
  return [header, ...lines].map((line) => `${line.join(",")}\n`).join("");
}

function rowLines(table: SweepTable, row: SweepRow): string[][] {
  const line = (ood: string, metric: string, cell: Cell | undefined) =>
    cell === undefined
      ? []
      : [
          [
            ...[table.name, row.recipe, row.title, row.score, ood, metric].map(csvText),
            String(cell.values.length),
            row.seeds.join(" "),
            ...[cell.mean, cell.deviation, cell.paper?.value, cell.paper?.difference].map((value) =>
              value === undefined ? "" : String(value),
            ),
            cell.values.join(" "),
          ],
        ];
  const groups = (["many", "medium", "few"] as const).flatMap((group) => [
    ...line("", `accuracy of ${group}-shot classes`, row.groups?.[group]),
    ...line("", `adjusted accuracy of ${group}-shot classes`, row.adjustedGroups?.[group]),
  ]);
  return [
    ...metricColumns.flatMap(({ key }) => line("average", key, row.average[key])),
    ...table.sets.flatMap(({ name }, index) =>
      metricColumns.flatMap(({ key }) => line(name, key, row.sets[index]?.[key])),
    ),
    ...line("", "accuracy", row.accuracy),
    ...line("", "miou", row.miou),
    ...line("", "adjusted accuracy", row.adjusted),
    ...groups,
  ];
}
