import {
  extent,
  histogramChart,
  lineChart,
  type Point,
  type Series,
  type SeriesStyle,
  seriesStyle,
} from "./chart/index.js";
import { percentage } from "./format.js";
import { type Markup, markup } from "./markup.js";
import type { DetectionCurves, DetectionRow, ModelResult, Report } from "./types.js";

/** The curves of every model for one score on one OOD set. */
interface CurveGroup {
  readonly score: string;
  readonly ood: string;
  readonly entries: {
    readonly model: ModelResult;
    readonly curves: DetectionCurves;
    readonly row: DetectionRow | undefined;
  }[];
}

/** Models with the baseline first, because everything is shown before and after. */
export function baselineFirst({ models, baseline }: Report): ModelResult[] {
  return [...models.filter(({ name }) => name === baseline), ...models.filter(({ name }) => name !== baseline)];
}

function curveGroups(report: Report): CurveGroup[] {
  const groups = new Map<string, CurveGroup>();
  for (const model of baselineFirst(report)) {
    for (const curves of model.curves) {
      const { score, ood } = curves;
      const key = JSON.stringify([score, ood]);
      const group = groups.get(key) ?? { score, ood, entries: [] };
      groups.set(key, group);
      const row = model.rows.find((candidate) => candidate.score === score && candidate.ood === ood);
      group.entries.push({ model, curves, row });
    }
  }
  return [...groups.values()];
}

/** The style of each model, the same in all of a report's charts. */
function modelStyles(report: Report): Map<string, SeriesStyle> {
  return new Map(baselineFirst(report).map(({ name }, index) => [name, seriesStyle(index)]));
}

const auroc = (row: DetectionRow | undefined) =>
  row === undefined ? undefined : `AUROC ${percentage(row.auroc.value)} %`;

/** Histograms of the scores: a row per OOD set and score, a panel per model, all on one x axis. */
export function scoreHistograms(report: Report): Markup[] {
  return curveGroups(report).map(({ score, ood, entries }, groupIndex) => {
    // Typed arrays of edges can be long; two numbers of each are enough.
    const ends = entries.flatMap(({ curves: { histogram } }) => [
      histogram.edges[0],
      histogram.edges[histogram.edges.length - 1],
    ]);
    const domain = extent(ends.filter((edge) => edge !== undefined));
    const panels = entries.map(({ model, curves, row }, index) => {
      const note = auroc(row);
      return histogramChart({
        id: `histogram-${groupIndex + 1}-${index + 1}`,
        title: model.name,
        description: `Histogram of the ${score} score of model ${model.name}: in-distribution images against ${ood}.${note === undefined ? "" : ` ${note}.`}`,
        ...(note === undefined ? {} : { note }),
        xLabel: `${score} score (higher: more OOD)`,
        edges: curves.histogram.edges,
        first: { name: "in-distribution", counts: curves.histogram.id },
        second: { name: ood, counts: curves.histogram.ood },
        domain,
      });
    });
    return markup`<figure><h3>${ood}, ${score} score</h3><div class="panels" style="--panel:240px">${panels}</div></figure>`;
  });
}

/** ROC curves: a panel per OOD set and score, a line per model. */
export function rocCurves(report: Report): Markup | undefined {
  const styles = modelStyles(report);
  const groups = curveGroups(report);
  const severalScores = new Set(groups.map(({ score }) => score)).size > 1;
  if (groups.length === 0) return undefined;
  const panels = groups.map(({ score, ood, entries }, groupIndex) =>
    lineChart({
      id: `roc-${groupIndex + 1}`,
      title: severalScores ? `${ood}, ${score} score` : ood,
      description: `ROC curves of the ${score} score for ${ood}. ${entries.map(({ model, row }) => `${model.name}: ${auroc(row) ?? "AUROC not given"}`).join("; ")}.`,
      x: { label: "false positive rate (%)", domain: [0, 100] },
      y: { label: "true positive rate (%)", domain: [0, 100] },
      series: entries.map(({ model, curves }) => ({
        name: model.name,
        points: curves.roc.map(([fpr, tpr]) => [fpr * 100, tpr * 100] as const),
        style: styles.get(model.name) ?? seriesStyle(0),
      })),
      legend: "corner",
      references: [
        { from: [0, 0], to: [100, 100] },
        { from: [0, 95], to: [100, 95] },
      ],
      width: 340,
      height: 330,
    }),
  );
  return markup`<div class="panels roc" style="--panel:320px">${panels}</div>`;
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
        unit: "regularization, unweighted",
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
        y: { label: unit, domain: extent(drawn.flatMap(({ points }) => points.map(([, value]) => value))) },
        series: drawn,
        legend: "above",
        width: 300,
        height: 210,
      });
    });
    return [markup`<figure><h3>${model.name}</h3><div class="panels" style="--panel:240px">${panels}</div></figure>`];
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
