import {
  type Domain,
  extent,
  histogramChart,
  lineChart,
  niceDomain,
  type Point,
  type Series,
  type SeriesStyle,
  seriesStyle,
} from "./chart/index.js";
import { percentage } from "./format.js";
import { type Markup, markup } from "./markup.js";
import type { DetectionCurves, DetectionRow, ModelResult, Report } from "./types.js";

/** One score of one model on one OOD set. */
interface Entry {
  readonly model: ModelResult;
  readonly curves: DetectionCurves;
  readonly row: DetectionRow | undefined;
  /** The model, and its score where the report has several. */
  readonly name: string;
  readonly style: SeriesStyle;
}

interface OodGroup {
  readonly ood: string;
  readonly entries: readonly Entry[];
}

/** Models with the baseline first, because everything is shown before and after. */
export function baselineFirst({ models, baseline }: Report): ModelResult[] {
  return [...models.filter(({ name }) => name === baseline), ...models.filter(({ name }) => name !== baseline)];
}

/** The curves by OOD set, in each by score and then by model. A line keeps its style through the whole report. */
function oodGroups(report: Report): OodGroup[] {
  const all = baselineFirst(report).flatMap((model) => model.curves.map((curves) => ({ model, curves })));
  const scores = [...new Set(all.map(({ curves }) => curves.score))];
  const ordered = scores.flatMap((score) => all.filter(({ curves }) => curves.score === score));
  const lineOf = (model: ModelResult, score: string) => JSON.stringify([model.name, score]);
  const lines = [...new Set(ordered.map(({ model, curves }) => lineOf(model, curves.score)))];
  const entries = ordered.map(({ model, curves }): Entry => {
    const { score, ood } = curves;
    return {
      model,
      curves,
      row: model.rows.find((row) => row.score === score && row.ood === ood),
      name: scores.length > 1 ? `${model.name}, ${score}` : model.name,
      style: seriesStyle(lines.indexOf(lineOf(model, score))),
    };
  });
  const sets = [...new Set(all.map(({ curves }) => curves.ood))];
  return sets.map((ood) => ({ ood, entries: entries.filter(({ curves }) => curves.ood === ood) }));
}

const auroc = (row: DetectionRow | undefined) =>
  row === undefined ? undefined : `AUROC ${percentage(row.auroc.value)} %`;

/** Panels in rows: on a screen as many as fit at this width in pixels, on paper two or three. */
function panelGrid(panels: readonly Markup[], width: number): Markup {
  const across = panels.length % 3 === 0 || panels.length > 4 ? 3 : 2;
  return markup`<div class="panels" style="--panel:${width}px;--across:${across}">${panels}</div>`;
}

/** Histograms of the scores: a row per OOD set, a panel per model and score; panels of one score share the x axis. */
export function scoreHistograms(report: Report): Markup[] {
  return oodGroups(report).map(({ ood, entries }, groupIndex) => {
    const panels = entries.map(({ model, name, curves: { score, histogram }, row }, index) => {
      const note = auroc(row);
      return histogramChart({
        id: `histogram-${groupIndex + 1}-${index + 1}`,
        title: name,
        description: `Histogram of the ${score} score of model ${model.name}: in-distribution images against ${ood}.${note === undefined ? "" : ` ${note}.`}`,
        ...(note === undefined ? {} : { note }),
        xLabel: `${score} score (higher: more OOD)`,
        edges: histogram.edges,
        first: { name: "in-distribution", counts: histogram.id },
        second: { name: ood, counts: histogram.ood },
        domain: sharedDomain(entries.filter(({ curves }) => curves.score === score)),
      });
    });
    return markup`<figure><h3>${ood}</h3>${panelGrid(panels, 240)}</figure>`;
  });
}

function sharedDomain(entries: readonly Entry[]): Domain {
  const ends = entries.flatMap(({ curves: { histogram } }) => [
    histogram.edges[0],
    histogram.edges[histogram.edges.length - 1],
  ]);
  return extent(ends.filter((edge) => edge !== undefined));
}

/** More lines than this cannot be told apart in one plot; then each score gets its own. */
const mostLines = 8;

/** ROC curves: a panel per OOD set with a line per model and score. */
export function rocCurves(report: Report): Markup | undefined {
  const groups = oodGroups(report).flatMap(({ ood, entries }) => {
    if (entries.length <= mostLines) return [{ title: ood, entries }];
    const scores = [...new Set(entries.map(({ curves }) => curves.score))];
    if (scores.length === 1) return [{ title: ood, entries }];
    return scores.map((score) => ({
      title: `${ood}, ${score} score`,
      entries: entries
        .filter(({ curves }) => curves.score === score)
        .map((entry) => ({ ...entry, name: entry.model.name })),
    }));
  });
  if (groups.length === 0) return undefined;
  // Four small panels fill a row of the page, so do three large ones.
  const small = groups.length % 4 === 0;
  const panels = groups.map(({ title, entries }, groupIndex) =>
    lineChart({
      id: `roc-${groupIndex + 1}`,
      title,
      description: `ROC curves for ${title}. ${entries.map(({ name, row }) => `${name}: ${auroc(row) ?? "AUROC not given"}`).join("; ")}.`,
      x: { label: "false positive rate (%)", domain: [0, 100] },
      y: { label: "true positive rate (%)", domain: [0, 100] },
      series: entries.map(({ name, style, curves }) => ({
        name,
        style,
        points: curves.roc.map(([fpr, tpr]) => [fpr * 100, tpr * 100] as const),
      })),
      legend: "corner",
      references: [
        { from: [0, 0], to: [100, 100] },
        { from: [0, 95], to: [100, 95] },
      ],
      width: small ? 256 : 340,
      height: small ? 270 : 340,
    }),
  );
  return panelGrid(panels, small ? 240 : 320);
}

/** Training curves: a row per trained model. */
export function trainingCurves(report: Report): Markup[] {
  return report.models.flatMap((model, modelIndex) => {
    const training = (model.training ?? []).filter(({ step }) => Number.isFinite(step));
    if (training.length === 0) return [];
    const series = (name: string, style: number, value: (point: (typeof training)[number]) => number): Series => ({
      name,
      style: seriesStyle(style),
      points: bucketMeans(training.map((point) => [point.step, value(point)] as const)),
    });
    const kinds: { title: string; unit: string; series: Series[] }[] = [
      {
        title: "Loss",
        unit: "loss (nats)",
        series: [
          series("total", 0, ({ loss }) => loss),
          series("cross-entropy", 2, ({ crossEntropy }) => crossEntropy),
        ],
      },
      {
        title: "Regularization",
        unit: "regularization",
        series: [series("regularization", 3, ({ regularization }) => regularization)],
      },
      {
        title: "Mean energy of a batch",
        unit: "energy (logit units)",
        series: [
          series("in-distribution", 2, ({ inEnergy }) => inEnergy),
          series("outliers", 1, ({ outEnergy }) => outEnergy),
        ],
      },
      {
        title: "Learning rate",
        unit: "learning rate",
        series: [series("learning rate", 4, ({ learningRate }) => learningRate)],
      },
    ];
    const x = { label: "training step", domain: extent(training.map(({ step }) => step)) };
    const panels = kinds.flatMap(({ title, unit, series: all }, index) => {
      const drawn = all.filter(({ points }) => points.some(([, value]) => Number.isFinite(value)));
      if (drawn.length === 0) return [];
      return lineChart({
        id: `training-${modelIndex + 1}-${index + 1}`,
        title,
        description: `${title} of ${model.name} over ${training.length} training steps. ${drawn.map(startAndEnd).join(" ")}`,
        x,
        y: {
          label: unit,
          domain: niceDomain(extent(drawn.flatMap(({ points }) => points.map(([, value]) => value))), 4),
        },
        series: drawn,
        legend: "above",
        width: 256,
        height: 200,
      });
    });
    return [markup`<figure><h3>${model.name}</h3>${panelGrid(panels, 240)}</figure>`];
  });
}

function startAndEnd({ name, points }: Series): string {
  const values = points.map(([, value]) => value).filter((value) => Number.isFinite(value));
  const text = (value: number | undefined) => String(Number((value ?? Number.NaN).toPrecision(3)));
  return `${name}: from ${text(values[0])} to ${text(values.at(-1))}.`;
}

/** How many points a training curve keeps. More would show the noise of single batches instead of the trend. */
const trainingPoints = 150;

/** Means of runs of neighbouring points; a mean of nothing finite stays NaN, so that the gap shows. */
export function bucketMeans(points: readonly Point[]): Point[] {
  const buckets = Math.min(points.length, trainingPoints);
  return Array.from({ length: buckets }, (_, bucket) => {
    const members = points.slice(
      Math.floor((bucket * points.length) / buckets),
      Math.floor(((bucket + 1) * points.length) / buckets),
    );
    const finite = members.map(([, y]) => y).filter((y) => Number.isFinite(y));
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return [mean(members.map(([x]) => x)), mean(finite)];
  });
}
