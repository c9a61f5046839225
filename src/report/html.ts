import { mostNamedBars } from "./chart/index.js";
import { baselineFirst, rocCurves, scoreHistograms, trainingCurves } from "./figures.js";
import { percentage } from "./format.js";
import { pngDataUri } from "./images.js";
import { type Markup, markup } from "./markup.js";
import { renderPage, type Section } from "./page.js";
import { priorChart } from "./prior-chart.js";
import { rankFigure } from "./ranks.js";
import { accuracyTable, detectionTable } from "./tables.js";
import type { Mistake, Report, ReportPrior } from "./types.js";

/** Images shown per model. */
const mostMistakes = 12;

/**
 * The report as one HTML file that needs nothing else: no network, no scripts, images and charts inside. The same report gives
 * the same bytes.
 *
 * @throws DataError when parts of the report contradict each other (see {@link Report})
 */
export async function renderReport(report: Report): Promise<string> {
  const sections = [
    resultsSection(report),
    rankSection(report),
    histogramSection(report),
    rocSection(report),
    priorSection(report),
    trainingSection(report),
    await mistakesSection(report),
    detailsSection(report),
  ].filter((section) => section !== undefined);
  const { title, summary, protocol } = report;
  return renderPage({ title, lead: `${summary[0]} ${summary[1]}`, protocol, sections });
}

function resultsSection(report: Report): Section {
  const content = markup`${detectionTable(report)}${accuracyTable(report)}`;
  return { id: "results", title: "Results", content };
}

function rankSection(report: Report): Section | undefined {
  const figure = rankFigure(report);
  if (figure === undefined) return undefined;
  const content = markup`<p class="explain">Which score comes out first on which OOD set. Rings far apart in one line mean that the score depends on what it is shown; few sets say little about small differences of means.</p>${figure}`;
  return { id: "ranks", title: "Ranks", content };
}

function histogramSection(report: Report): Section | undefined {
  const figures = scoreHistograms(report);
  if (figures.length === 0) return undefined;
  const content = markup`<p class="explain">Share of images per bin of the score, in-distribution against each OOD set. The less the two overlap, the better they can be told apart. Panels of one OOD set and one score share the x axis.</p>${figures}`;
  return { id: "scores", title: "Score distributions", content };
}

function rocSection(report: Report): Section | undefined {
  const curves = rocCurves(report);
  if (curves === undefined) return undefined;
  const content = markup`<p class="explain">True positives are OOD images found, false positives are in-distribution images taken for OOD. Where a curve crosses the dotted line at 95 %, its FPR95 can be read off; the dotted diagonal is chance.</p>${curves}`;
  return { id: "roc", title: "ROC curves", content };
}

function priorSection({ prior }: Report): Section | undefined {
  if (prior === undefined) return undefined;
  const content = markup`<p class="explain">How the untouched model spreads the outliers over its classes. Training pushes hardest on outliers that look like the classes at the top.</p><figure>${priorChart(prior)}${priorExtremes(prior)}</figure>`;
  return { id: "prior-section", title: "Prior of the outliers", content };
}

/** The classes at both ends, in words, where the chart cannot name every class. */
function priorExtremes({ classNames, share }: ReportPrior): Markup | undefined {
  if (share.length <= mostNamedBars) return undefined;
  const order = share.map((_, index) => index).sort((a, b) => (share[b] ?? 0) - (share[a] ?? 0));
  const list = (indices: readonly number[]) =>
    indices.map((index) => `${classNames[index] ?? ""} (${percentage(share[index] ?? 0)} %)`).join(", ");
  return markup`<figcaption>Most: ${list(order.slice(0, 5))}. Least: ${list(order.slice(-5).reverse())}.</figcaption>`;
}

function trainingSection(report: Report): Section | undefined {
  const figures = trainingCurves(report);
  if (figures.length === 0) return undefined;
  const content = markup`<p class="explain">Long runs are shown as means over neighbouring steps, at most 150 points per line.</p>${figures}`;
  return { id: "training", title: "Training", content };
}

async function mistakesSection(report: Report): Promise<Section | undefined> {
  const groups = await Promise.all(
    baselineFirst(report)
      .filter(({ mistakes }) => mistakes !== undefined && mistakes.length > 0)
      .map(async ({ name, mistakes = [] }) => {
        const items = await Promise.all(mistakes.slice(0, mostMistakes).map(mistakeItem));
        return markup`<h3>${name}</h3><ul class="mistakes">${items}</ul>`;
      }),
  );
  if (groups.length === 0) return undefined;
  const content = markup`<p class="explain">OOD images that a model took for one of its classes with the most confidence: the class, the probability it gave, and the set the image is from.</p>${groups}`;
  return { id: "mistakes", title: "Most confidently wrong", content };
}

async function mistakeItem({ image, set, predicted, confidence }: Mistake): Promise<Markup> {
  return markup`<li><img src="${await pngDataUri(image)}" width="96" height="96" alt="Image from ${set}">${predicted}<small>${percentage(confidence)} %</small><small>${set}</small></li>`;
}

function detailsSection({ facts, notes }: Report): Section | undefined {
  if (facts.length === 0 && notes.length === 0) return undefined;
  const list =
    facts.length === 0
      ? undefined
      : markup`<dl>${facts.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
  const remarks =
    notes.length === 0 ? undefined : markup`<ul class="notes">${notes.map((note) => markup`<li>${note}</li>`)}</ul>`;
  return { id: "details", title: "Details", content: markup`${remarks}${list}` };
}
