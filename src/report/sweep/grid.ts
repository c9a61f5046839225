/** The tables of a sweep before they become Markdown, LaTeX, HTML or text: what stands in which cell is decided here and nowhere else. */
import type { Cell, DetectionKey, SweepRow, SweepTable } from "../../benchmarks/sweep/index.js";
import { metricColumns } from "../comparison.js";
import { count, percentage, signedPoints } from "../format.js";

export interface GridCell {
  /** In percent; empty where there is nothing. */
  readonly text: string;
  /** Whether no other row has a better number here. */
  readonly best: boolean;
}

export interface GridColumn {
  readonly head: string;
  readonly align: "left" | "right";
  /** Columns with the largest number go first where a line must be narrow; 0 stays. */
  readonly drop: number;
}

export interface Grid {
  readonly id: "averages" | DetectionKey | "paper";
  readonly title: string;
  readonly columns: readonly GridColumn[];
  readonly rows: readonly (readonly GridCell[])[];
}

/** A number of every row, and where it stands. */
interface Quantity {
  readonly head: string;
  readonly higherIsBetter: boolean;
  readonly drop: number;
  of(row: SweepRow): Cell | undefined;
}

/** Average precision is what the field calls AUPR; the tables say which of the two rules it is. */
export const metricNames: Readonly<Record<DetectionKey, string>> = { auroc: "AUROC", aupr: "AP", fpr95: "FPR95" };

const arrow = (higherIsBetter: boolean) => (higherIsBetter ? "↑" : "↓");

/** Means over the OOD sets, accuracies; every set under each metric; and what the paper reports, where it does. */
export function gridsOf(table: SweepTable): Grid[] {
  return [
    averages(table),
    ...(table.sets.length > 1 ? metricColumns.map(({ key }) => perSet(table, key)) : []),
    ...besidePaper(table),
  ];
}

function averages(table: SweepTable): Grid {
  const quantities: Quantity[] = [
    ...metricColumns.map(({ key, higherIsBetter }) => ({
      head: `${metricNames[key]} ${arrow(higherIsBetter)}`,
      higherIsBetter,
      drop: key === "aupr" ? 6 : 0,
      of: (row: SweepRow) => row.average[key],
    })),
    { head: "accuracy ↑", higherIsBetter: true, drop: 1, of: (row) => row.accuracy },
    { head: "mIoU ↑", higherIsBetter: true, drop: 1, of: (row) => row.miou },
    ...(["many", "medium", "few"] as const).map((group) => ({
      head: `${group}-shot ↑`,
      higherIsBetter: true,
      drop: group === "few" ? 2 : group === "many" ? 8 : 9,
      of: (row: SweepRow) => row.groups?.[group],
    })),
    { head: "adjusted accuracy ↑", higherIsBetter: true, drop: 4, of: (row) => row.adjusted },
    { head: "adjusted few-shot ↑", higherIsBetter: true, drop: 7, of: (row) => row.adjustedGroups?.few },
  ];
  const used = quantities.filter(({ of }) => table.rows.some((row) => of(row) !== undefined));
  const title =
    table.sets.length === 1
      ? `One OOD set, ${table.sets[0]?.name} (%)`
      : `Average over ${table.sets.length} OOD sets (%)`;
  const columns: GridColumn[] = [
    { head: "method", align: "left", drop: 0 },
    { head: "score", align: "left", drop: 5 },
    { head: "n", align: "right", drop: 3 },
    ...used.map(({ head, drop }) => ({ head, align: "right" as const, drop })),
  ];
  const bests = used.map((quantity) => bestOf(table.rows, quantity));
  const rows = table.rows.map((row) => [
    ...[row.title, row.score, String(row.seeds.length)].map((text) => ({ text, best: false })),
    ...used.map((quantity, column) => valueCell(quantity.of(row), bests[column])),
  ]);
  return { id: "averages", title, columns, rows };
}

function perSet(table: SweepTable, key: DetectionKey): Grid {
  const { higherIsBetter } = metricColumns.find((metric) => metric.key === key) as (typeof metricColumns)[number];
  const quantities = table.sets.map(
    ({ name }, index): Quantity => ({ head: name, higherIsBetter, drop: 0, of: (row) => row.sets[index]?.[key] }),
  );
  const bests = quantities.map((quantity) => bestOf(table.rows, quantity));
  return {
    id: key,
    title: `${metricNames[key]} ${arrow(higherIsBetter)} of each OOD set (%)`,
    columns: [
      { head: "method", align: "left", drop: 0 },
      ...table.sets.map(({ name, images }) => ({
        head: `${name} (${count(images)})`,
        align: "right" as const,
        drop: 0,
      })),
    ],
    rows: table.rows.map((row) => [
      { text: row.title, best: false },
      ...quantities.map((quantity, column) => valueCell(quantity.of(row), bests[column])),
    ]),
  };
}

/** Here / in the paper / difference, where the paper has a number; nothing without any. */
function besidePaper(table: SweepTable): Grid[] {
  const detection = (of: (row: SweepRow) => SweepRow["average"] | undefined, where: string, drop: number): Quantity[] =>
    metricColumns.map(({ key, higherIsBetter }) => ({
      head: `${where}${metricNames[key]}`,
      higherIsBetter,
      drop: drop + (key === "aupr" ? 1 : 0),
      of: (row) => of(row)?.[key],
    }));
  const quantities = [
    ...detection((row) => row.average, "", 0),
    { head: "accuracy", higherIsBetter: true, drop: 2, of: (row: SweepRow) => row.accuracy },
    { head: "mIoU", higherIsBetter: true, drop: 2, of: (row: SweepRow) => row.miou },
    { head: "adjusted accuracy", higherIsBetter: true, drop: 3, of: (row: SweepRow) => row.adjusted },
    ...table.sets.flatMap(({ name }, index) => detection((row) => row.sets[index], `${name}, `, 4 + index)),
  ].filter(({ of }) => table.rows.some((row) => of(row)?.paper !== undefined));
  const rows = table.rows.filter((row) => quantities.some(({ of }) => of(row)?.paper !== undefined));
  if (rows.length === 0) return [];
  const text = (cell: Cell | undefined) =>
    cell?.paper === undefined
      ? ""
      : `${percentage(cell.mean)} / ${percentage(cell.paper.value)} / ${signedPoints(cell.paper.difference)}`;
  return [
    {
      id: "paper",
      title: "Here / in the paper / difference (%)",
      columns: [
        { head: "method", align: "left", drop: 0 },
        ...quantities.map(({ head, drop }) => ({ head, align: "right" as const, drop })),
      ],
      rows: rows.map((row) => [
        { text: row.title, best: false },
        ...quantities.map(({ of }) => ({ text: text(of(row)), best: false })),
      ]),
    },
  ];
}

/** The best mean as it is shown; undefined where there is nothing to choose from. */
function bestOf(rows: readonly SweepRow[], { of, higherIsBetter }: Quantity): string | undefined {
  const means = rows.flatMap((row) => of(row)?.mean ?? []);
  if (means.length < 2) return undefined;
  return percentage(higherIsBetter ? Math.max(...means) : Math.min(...means));
}

function valueCell(cell: Cell | undefined, best: string | undefined): GridCell {
  if (cell === undefined) return { text: "", best: false };
  return { text: cellText(cell), best: percentage(cell.mean) === best };
}

/** `88.10 ± 0.31`, without the spread where there is one seed. */
export function cellText({ mean, deviation }: Pick<Cell, "mean" | "deviation">): string {
  return deviation === undefined ? percentage(mean) : `${percentage(mean)} ± ${percentage(deviation)}`;
}

/** What must stand beside every table. */
export function remarks(table: SweepTable): string[] {
  const { sources, missing, rows } = table;
  const seeds = Math.max(0, ...rows.map((row) => row.seeds.length));
  return [
    `${whatIsRanked(table)} AP is average precision, FPR95 the false positive rate at the recall nearest to 95 % (rules of the official code).`,
    seeds > 1
      ? "Mean ± standard deviation over n seeds (n - 1 in the denominator); a row with n = 1 says nothing about spread. The best mean of a column is bold, however small its lead is against the spread."
      : "One seed: nothing is said about spread.",
    ...table.notes,
    ...sources.map(sourceRemark),
    ...missing.map(({ title, reason }) => `Not in the table: ${title} (${reason}).`),
  ];
}

function whatIsRanked({ task, test, sets }: SweepTable): string {
  const others = sets.map(({ name, images }) => `${name} (${count(images)})`).join(", ");
  const own = `${test.name} (${count(test.images)} images)`;
  return task === "segmentation"
    ? `mIoU on ${own}. Sets with anomalies: ${others}. All valid pixels of all images of a set are in one ranking, void pixels nowhere; anomalies are the positive class.`
    : `In-distribution test set: ${own}. OOD sets: ${others}. OOD is the positive class;`;
}

/** What may be made of the paper's numbers. */
export function sourceRemark(source: string): string {
  return `The paper's numbers are those of ${source}. They belong to its network, training and data, and a difference from them compares like with like only as far as these are the same.`;
}
