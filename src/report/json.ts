import { averageOf, metricColumns } from "./comparison.js";
import type { DetectionRow, MetricValue, ModelResult, Report } from "./types.js";

/**
 * The report as one JSON document, without curves and pictures. Metrics are fractions; one that could not be measured is null; `average`
 * holds a mean over the OOD sets per score.
 */
export function renderJson(report: Report): string {
  const { title, summary, protocol, baseline, models, prior, facts, notes } = report;
  const document = {
    title,
    summary,
    protocol,
    baseline,
    models: models.map(modelJson),
    prior,
    facts: Object.fromEntries(facts),
    notes,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function modelJson({ name, accuracy, accuracyGroups, rows }: ModelResult) {
  const scores = [...new Set(rows.map(({ score }) => score))];
  return {
    name,
    id: { accuracy, groups: accuracyGroups },
    rows: rows.map(rowJson),
    average: scores.map((score) => {
      const average = averageOf(rows.filter((row) => row.score === score));
      return { score, ...Object.fromEntries(metricColumns.map(({ key }) => [key, average?.[key].value])) };
    }),
  };
}

function rowJson(row: DetectionRow) {
  const intervals = metricColumns.flatMap(({ key }) => intervalEntry(key, row[key]));
  return {
    ood: row.ood,
    score: row.score,
    ...Object.fromEntries(metricColumns.map(({ key }) => [key, row[key].value])),
    ...(intervals.length === 0 ? {} : { intervals: Object.fromEntries(intervals) }),
  };
}

function intervalEntry(key: string, { interval }: MetricValue): [string, readonly number[]][] {
  return interval === undefined ? [] : [[key, interval]];
}
