import { extent, histogramChart, lineChart, seriesStyle } from "../chart/index.js";
import { percentage } from "../format.js";
import { type Markup, markup } from "../markup.js";
import type { SegmentationResult } from "./types.js";

interface Entry {
  readonly name: string;
  readonly curves: SegmentationResult["curves"][number];
  readonly auroc: number | undefined;
  readonly style: number;
}

/** The curves of each set, a line keeping its style in all of them. */
function bySet(models: readonly SegmentationResult[]): { set: string; entries: Entry[] }[] {
  const named = models.length > 1;
  const all = models.flatMap((model) =>
    model.curves.map((curves) => ({
      name: named ? `${model.name}, ${curves.score}` : curves.score,
      curves,
      auroc: model.rows.find(({ score, ood }) => score === curves.score && ood === curves.set)?.auroc.value,
    })),
  );
  const names = [...new Set(all.map(({ name }) => name))];
  const sets = [...new Set(all.map(({ curves }) => curves.set))];
  return sets.map((set) => ({
    set,
    entries: all
      .filter(({ curves }) => curves.set === set)
      .map((entry) => ({ ...entry, style: names.indexOf(entry.name) })),
  }));
}

const noteOf = ({ auroc }: Entry) => (auroc === undefined ? "" : `AUROC ${percentage(auroc)} %`);

const panels = (items: readonly Markup[], width: number) =>
  markup`<div class="panels" style="--panel:${width}px;--across:3">${items}</div>`;

/** A row per set, a panel per model and score; panels of one score share the x axis. */
export function pixelHistograms(models: readonly SegmentationResult[]): Markup[] {
  return bySet(models).map(({ set, entries }, group) => {
    const charts = entries.map((entry, index) => {
      const { score, histogram } = entry.curves;
      const same = entries.filter(({ curves }) => curves.score === score);
      const ends = same.flatMap(({ curves: { histogram: own } }) => [own.edges[0], own.edges[own.edges.length - 1]]);
      return histogramChart({
        id: `histogram-${group + 1}-${index + 1}`,
        title: entry.name,
        note: noteOf(entry),
        description: `Histogram of the ${score} score over pixels: known classes against the anomalies of ${set}. ${noteOf(entry)}.`,
        xLabel: `${score} score (higher: more OOD)`,
        yLabel: "share of pixels (%)",
        edges: histogram.edges,
        first: { name: "known classes", counts: histogram.id },
        second: { name: "anomalies", counts: histogram.ood },
        domain: extent(ends.filter((edge) => edge !== undefined)),
      });
    });
    return markup`<figure><h3>${set}</h3>${panels(charts, 240)}</figure>`;
  });
}

/** More lines than this cannot be told apart in one plot. */
const mostLines = 8;

/** A panel per set, or several where there are too many lines for one. */
export function pixelRocCurves(models: readonly SegmentationResult[]): Markup[] {
  const charts = bySet(models).flatMap(({ set, entries }, group) => {
    const parts = Math.ceil(entries.length / mostLines);
    return Array.from({ length: parts }, (_, part) => {
      const own = entries.slice(
        Math.round((part * entries.length) / parts),
        Math.round(((part + 1) * entries.length) / parts),
      );
      return lineChart({
        id: `roc-${group + 1}-${part + 1}`,
        title: parts === 1 ? set : `${set}, ${part + 1} of ${parts}`,
        description: `ROC curves over the pixels of ${set}. ${own.map((entry) => `${entry.name}: ${noteOf(entry)}`).join("; ")}.`,
        x: { label: "false positive rate (%)", domain: [0, 100] },
        y: { label: "true positive rate (%)", domain: [0, 100] },
        series: own.map(({ name, curves, style }) => ({
          name,
          style: seriesStyle(style),
          points: curves.roc.map(([fpr, tpr]) => [100 * fpr, 100 * tpr] as const),
        })),
        legend: "corner",
        references: [
          { from: [0, 0], to: [100, 100] },
          { from: [0, 95], to: [100, 95] },
        ],
        width: 340,
        height: 340,
      });
    });
  });
  return charts.length === 0 ? [] : [panels(charts, 320)];
}
