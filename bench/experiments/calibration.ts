/**
 * Whether a calibrated threshold keeps its promise: scores of in-distribution images are split at random, a tenth for
 * calibration and the rest as images to come, 200 times over. Writes docs/results/calibration.md and calibration.svg.
 *
 *   npx tsx bench/experiments/calibration.ts [--scores FILE.npy | --images DATASET] [--out docs/results]
 *
 * Without `--scores` they are energies of the demo's ResNet-20 on `--images`, by default the 1,000 of the demo's test images.
 * The committed results are of all CIFAR-10 test images: `--images cifar:DIR/cifar10-test.bin`.
 */
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { scoreImages } from "../../src/benchmarks/index.js";
import { createGenerator, npyNumbers, openDataset, parseNormalization, readNpy } from "../../src/data/index.js";
import { writeFileAtomic } from "../../src/files.js";
import { betaDensity } from "../../src/metrics/beta.js";
import { conformalThreshold, falseAlarmBound } from "../../src/metrics/conformal.js";
import { readModel } from "../../src/onnx/index.js";
import { axes } from "../../src/report/chart/axes.js";
import { frame, label, titleHeight } from "../../src/report/chart/frame.js";
import { type Domain, niceDomain, standaloneSvg } from "../../src/report/chart/index.js";
import { legendRows, sampleWidth } from "../../src/report/chart/legend.js";
import { paint } from "../../src/report/chart/palette.js";
import { count, percentage } from "../../src/report/format.js";
import { coordinate, type Markup, markup } from "../../src/report/markup.js";
import { createEngine } from "../../src/runtime/index.js";
import { asClassifier } from "../../src/training/index.js";
import { deviationOver, meanOver } from "./statistics.js";

const { values: flags } = parseArgs({
  options: {
    scores: { type: "string" },
    images: { type: "string", default: "sheet:assets/demo/cifar10-test.json" },
    out: { type: "string", default: "docs/results" },
  },
});
const alphas = [0.01, 0.05, 0.1];
const splits = 200;
const confidence = 0.95;

/** What 200 splits came to at one alpha, beside what they should. Rates are fractions. */
interface Calibration {
  readonly alpha: number;
  /** Images for calibration, n, and fresh ones, m. */
  readonly count: number;
  readonly fresh: number;
  readonly rank: number;
  /** False-alarm rate over the fresh images, one per split. */
  readonly rates: readonly number[];
  /** Share of splits above the bound of one calibration set at 95 % confidence. */
  readonly bound: number;
  readonly above: number;
  /** Of the Beta distribution, which the rate over endless images has. */
  readonly mean: number;
  readonly deviation: number;
  /** Of the rate over m images, which adds the chance of drawing them (Beta-binomial). */
  readonly freshDeviation: number;
}

async function energies(images: string): Promise<Float64Array> {
  const engine = await createEngine();
  try {
    const classifier = asClassifier(await readModel("assets/demo/resnet20-cifar10.onnx"));
    const normalization = parseNormalization("0.485,0.456,0.406:0.229,0.224,0.225");
    const scored = await scoreImages(engine, classifier, await openDataset(images), "energy", { normalization });
    return Float64Array.from(scored, ({ score }) => score);
  } finally {
    await engine.close();
  }
}

function calibrate(scores: Float64Array, alpha: number): Calibration {
  const n = Math.floor(scores.length / 10);
  const fresh = scores.length - n;
  const outcomes = Array.from({ length: splits }, (_, split) => {
    // The same splits for every alpha.
    const order = createGenerator(1).fork(split).permutation(scores.length);
    const drawn = Float64Array.from(order, (index) => scores[index] as number);
    const { threshold, rank } = conformalThreshold(drawn.subarray(0, n), alpha);
    return { rank, rate: drawn.subarray(n).filter((score) => score > threshold).length / fresh };
  });
  const rank = outcomes[0]?.rank as number;
  const rates = outcomes.map(({ rate }) => rate);
  const bound = falseAlarmBound({ count: n, rank, confidence });
  const mean = (n + 1 - rank) / (n + 1);
  const variance = (mean * (1 - mean)) / (n + 2);
  return {
    alpha,
    count: n,
    fresh,
    rank,
    rates,
    bound,
    above: rates.filter((rate) => rate > bound).length / splits,
    mean,
    deviation: Math.sqrt(variance),
    freshDeviation: Math.sqrt((variance * (n + 1 + fresh)) / fresh),
  };
}

const panelWidth = 256;
const panelHeight = 210;
const panelGap = 26;

function chart(calibrations: readonly Calibration[]): Markup {
  const [first] = calibrations as [Calibration];
  const width = calibrations.length * (panelWidth + panelGap) - panelGap;
  const items = [
    {
      name: `${splits} random splits`,
      sample: (x: number, y: number) => bars(`M${x} ${y + 5}v-10h${sampleWidth}v10Z`),
    },
    {
      name: "Beta distribution (theory)",
      sample: (x: number, y: number) => line(`M${x} ${y}h${sampleWidth}`, "series1", "none"),
    },
    {
      name: "rate asked for",
      sample: (x: number, y: number) => line(`M${x} ${y}h${sampleWidth}`, "ink", "4 3"),
    },
  ];
  const legend = legendRows(items, width, titleHeight);
  const top = titleHeight + legend.height + 6;
  const text = {
    id: "calibration",
    title: "False-alarm rate of calibrated thresholds",
    note: `${count(first.count)} calibration, ${count(first.fresh)} fresh images`,
    description: calibrations
      .map(
        ({ alpha, rates, mean, deviation }) =>
          `Asked for ${percentage(alpha)} %: ${splits} splits have a mean of ${percentage(meanOver(rates))} % and a standard deviation of ${percentage(deviationOver(rates))} %, theory says ${percentage(mean)} % and ${percentage(deviation)} %.`,
      )
      .join(" "),
  };
  const panels = calibrations.map(
    (calibration, index) =>
      markup`<g transform="translate(${index * (panelWidth + panelGap)} ${top})">${panel(calibration)}</g>`,
  );
  return frame(text, width, top + panelHeight, legend.markup, ...panels);
}

/** Histogram of the rates as a density, under the density that theory says. Both per percentage point. */
function panel({ alpha, count: n, fresh, rank, rates, mean, deviation }: Calibration): Markup {
  // Rates are whole numbers of alarms: bins of equal numbers of them, or some bins would hold more possible rates than others.
  const binSize = Math.max(1, Math.round((deviation * fresh) / 2));
  const binWidth = (100 * binSize) / fresh;
  const histogram = new Map<number, number>();
  for (const rate of rates) {
    const bin = Math.floor(Math.round(rate * fresh) / binSize);
    histogram.set(bin, (histogram.get(bin) ?? 0) + 1);
  }
  const edge = (bin: number) => (100 * (bin * binSize - 0.5)) / fresh;
  const height = (bin: number) => (histogram.get(bin) ?? 0) / splits / binWidth;
  const xDomain: Domain = niceDomain(
    [Math.max(0, 100 * Math.min(mean - 4 * deviation, ...rates)), 100 * Math.max(mean + 4 * deviation, ...rates)],
    5,
  );
  const curve = Array.from({ length: 201 }, (_, index) => {
    const percent = xDomain[0] + ((xDomain[1] - xDomain[0]) * index) / 200;
    return [percent, percent <= 0 ? 0 : betaDensity(percent / 100, n + 1 - rank, rank) / 100] as const;
  });
  const highest = Math.max(...[...histogram.keys()].map(height), ...curve.map(([, density]) => density));
  const {
    x,
    y,
    area,
    grid,
    axes: marks,
  } = axes(
    { label: "false-alarm rate (%)", domain: xDomain },
    { label: "density (1/%)", domain: niceDomain([0, highest], 4) },
    panelWidth,
    22,
    panelHeight,
  );
  const at = (point: readonly [number, number]) => `${coordinate(x(point[0]))} ${coordinate(y(point[1]))}`;
  const steps = [...histogram.keys()].map((bin) => {
    const [left, right] = [Math.max(edge(bin), xDomain[0]), Math.min(edge(bin + 1), xDomain[1])];
    return `M${at([left, 0])}L${at([left, height(bin)])}L${at([right, height(bin)])}L${at([right, 0])}Z`;
  });
  return markup`${grid}${bars(steps.join(""))}${line(`M${curve.map(at).join("L")}`, "series1", "none")}${line(
    `M${at([100 * alpha, 0])}V${coordinate(area.top)}`,
    "ink",
    "4 3",
  )}${marks}${label((area.left + area.right) / 2, 12, `rate asked for: ${Number(percentage(alpha))} %`, { anchor: "middle" })}`;
}

const bars = (path: string) =>
  markup`<path d="${path}" ${paint({ fill: "series2", stroke: "series2" })} fill-opacity="0.28" stroke-width="1.2"/>`;

const line = (path: string, role: "series1" | "ink", dash: string) =>
  markup`<path d="${path}" ${paint({ stroke: role })} stroke-width="1.6" stroke-dasharray="${dash}"/>`;

function markdown(calibrations: readonly Calibration[], source: string, scores: Float64Array): string {
  const [first] = calibrations as [Calibration];
  const table = [
    "alpha, %",
    "n",
    "mean rate, %",
    "mean in theory, %",
    "standard deviation, %",
    "in theory, %",
    "in theory with fresh images, %",
    "95 % bound, %",
    "splits above it, %",
  ];
  const rows = calibrations.map((each) => [
    percentage(each.alpha),
    count(each.count),
    `${percentage(meanOver(each.rates))} ± ${percentage(deviationOver(each.rates) / Math.sqrt(splits))}`,
    ...[each.mean, deviationOver(each.rates), each.deviation, each.freshDeviation, each.bound, each.above].map(
      percentage,
    ),
  ]);
  return `# Calibrated thresholds: the false-alarm rate that was asked for

Written by \`npx tsx bench/experiments/calibration.ts ${source}\`.

- ${describeScores(scores)}
- ${splits} random splits, the same for every row: n = ${count(first.count)} scores choose the threshold with \`conformalThreshold\`, the other m = ${count(first.fresh)} count as images to come. The rate is the share of them above the threshold. Mean ± standard error over the splits.
- In theory, the rate of a threshold is distributed over calibration sets as Beta(n + 1 − rank, rank) (Vovk, "Conditional Validity of Inductive Conformal Predictors", 2012), whatever the model and the score. Counting it on m images only makes the spread wider by √((n + 1 + m) / m), the column "with fresh images": that is the one to compare with. It is exact for random splits of any one set of scores without ties, for which only ranks matter. Over ${splits} splits a standard deviation has a standard error of 5 % of itself; rows share their splits and so err together.
- The 95 % bound is \`falseAlarmBound\`: 5 % of calibration sets give a threshold whose rate is above it. Where m is nine times n, the spread of the fresh images makes 6 % of that, and a share of ${splits} splits has a standard error of 1.54 percentage points.

| ${table.join(" | ")} |
|${table.map(() => "--:").join("|")}|
${rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}

![Three histograms of the false-alarm rate over ${splits} splits, each under the density of its Beta distribution](calibration.svg)
`;
}

function describeScores(scores: Float64Array): string {
  const ties = `${count(scores.length)} scores, ${count(new Set(scores).size)} of them distinct`;
  return flags.scores === undefined
    ? `Real scores: energy of the demo's ResNet-20 on ${basename(flags.images)}; ${ties}.`
    : `Scores from ${basename(flags.scores)}; ${ties}.`;
}

const scores = flags.scores === undefined ? await energies(flags.images) : npyNumbers(await readNpy(flags.scores));
const calibrations = alphas.map((alpha) => calibrate(scores, alpha));
const source =
  flags.scores === undefined
    ? `--images ${flags.images.replace(/[^:]*\//, "DIR/")}`
    : `--scores ${basename(flags.scores)}`;
await writeFileAtomic(join(flags.out, "calibration.md"), markdown(calibrations, source, scores));
await writeFileAtomic(join(flags.out, "calibration.svg"), standaloneSvg(chart(calibrations)));
