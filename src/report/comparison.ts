import { DataError } from "../errors.js";
import { percentage, signedPoints } from "./format.js";
import type { DetectionRow, MetricValue } from "./types.js";

export type MetricKey = "auroc" | "aupr" | "fpr95";

export interface MetricColumn {
  readonly key: MetricKey;
  readonly label: string;
  /** Shown behind the label, the way that is good. */
  readonly arrow: "↑" | "↓";
  readonly higherIsBetter: boolean;
}

export const metricColumns: readonly MetricColumn[] = [
  { key: "auroc", label: "AUROC", arrow: "↑", higherIsBetter: true },
  { key: "aupr", label: "AUPR", arrow: "↑", higherIsBetter: true },
  { key: "fpr95", label: "FPR95", arrow: "↓", higherIsBetter: false },
];

/** How a number compares with the baseline's, judged on the two decimals that are shown. */
export type Verdict = "better" | "worse" | "same";

export interface Cell extends MetricValue {
  /** Value less the baseline's, as a fraction; absent for the baseline itself and where there is nothing to compare with. */
  readonly difference?: number;
  readonly verdict?: Verdict;
  /** Whether no other line has a better number here, judged on two decimals; never set where there is only one. */
  readonly best: boolean;
}

export type Cells = Readonly<Record<MetricKey, Cell>>;

/** One score of one model: its metrics per OOD set, and their mean. */
export interface Line {
  readonly model: string;
  readonly score: string;
  readonly isBaseline: boolean;
  /** In the order of {@link Comparison.sets}; undefined where the set was not measured. */
  readonly sets: readonly (Cells | undefined)[];
  /** Mean over the sets; undefined when one is missing, because means over different sets do not compare. */
  readonly average: Cells | undefined;
}

export interface Comparison {
  readonly sets: readonly string[];
  readonly scores: readonly string[];
  /** Grouped by score, models in their order of appearance. */
  readonly lines: readonly Line[];
}

/**
 * Arranges rows for a table: one line per score and model, the difference to the baseline's same score, the best of each
 * column. Differences are taken before rounding, so they can be off by 0.01 from the difference of the shown numbers.
 *
 * @throws DataError when two rows have the same model, score and OOD set
 */
export function compare(rows: readonly DetectionRow[], baseline: string | undefined): Comparison {
  const models = [...new Set(rows.map((row) => row.model))];
  const scores = [...new Set(rows.map((row) => row.score))];
  const sets = [...new Set(rows.map((row) => row.ood))];
  const byKey = new Map<string, DetectionRow>();
  for (const row of rows) {
    const key = JSON.stringify([row.model, row.score, row.ood]);
    if (byKey.has(key)) {
      throw new DataError({
        problem: `two results for model "${row.model}", score "${row.score}", OOD set "${row.ood}"`,
      });
    }
    byKey.set(key, row);
  }
  const find = (model: string, score: string) => {
    const found = sets.map((ood) => byKey.get(JSON.stringify([model, score, ood])));
    return found.some((row) => row !== undefined) ? [averageOf(found), ...found] : undefined;
  };
  const known = scores.flatMap((score) =>
    models.flatMap((model) => {
      const values = find(model, score);
      return values === undefined ? [] : [{ model, score, values }];
    }),
  );
  // Column 0 is the average, column i + 1 is set i.
  const bests = Array.from({ length: sets.length + 1 }, (_, column) =>
    bestOf(known.map((line) => line.values[column])),
  );
  const lines = known.map(({ model, score, values }): Line => {
    const isBaseline = model === baseline;
    const reference = isBaseline || baseline === undefined ? undefined : find(baseline, score);
    const [average, ...cells] = values.map((value, column) =>
      value === undefined ? undefined : cellsOf(value, reference?.[column], bests[column] ?? {}),
    );
    return { model, score, isBaseline, average, sets: cells };
  });
  return { sets, scores, lines };
}

type Values = Readonly<Record<MetricKey, MetricValue>>;

/** Mean of each metric over OOD sets, every set counting the same; undefined when one is missing. */
export function averageOf(rows: readonly (Values | undefined)[]): Values | undefined {
  if (rows.length === 0 || rows.some((row) => row === undefined)) return undefined;
  const mean = (key: MetricKey) => ({
    value: rows.reduce((sum, row) => sum + (row as Values)[key].value, 0) / rows.length,
  });
  return { auroc: mean("auroc"), aupr: mean("aupr"), fpr95: mean("fpr95") };
}

function bestOf(candidates: readonly (Values | undefined)[]): Partial<Record<MetricKey, string>> {
  const best: Partial<Record<MetricKey, string>> = {};
  for (const { key, higherIsBetter } of metricColumns) {
    const values = candidates.map((row) => row?.[key].value ?? Number.NaN).filter((value) => Number.isFinite(value));
    if (values.length > 1) best[key] = percentage(higherIsBetter ? Math.max(...values) : Math.min(...values));
  }
  return best;
}

function cellsOf(row: Values, reference: Values | undefined, best: Partial<Record<MetricKey, string>>): Cells {
  const cell = ({ key, higherIsBetter }: MetricColumn): Cell => {
    const { value, interval } = row[key];
    const difference = reference === undefined ? Number.NaN : value - reference[key].value;
    return {
      value,
      ...(interval === undefined ? {} : { interval }),
      ...(Number.isFinite(difference) ? { difference, verdict: verdictOn(difference, higherIsBetter) } : {}),
      best: percentage(value) === best[key],
    };
  };
  const [auroc, aupr, fpr95] = metricColumns as [MetricColumn, MetricColumn, MetricColumn];
  return { auroc: cell(auroc), aupr: cell(aupr), fpr95: cell(fpr95) };
}

/** Whether a difference (as a fraction) is good news. */
export function verdictOn(difference: number, higherIsBetter: boolean): Verdict {
  if (signedPoints(difference) === signedPoints(0)) return "same";
  return difference > 0 === higherIsBetter ? "better" : "worse";
}
