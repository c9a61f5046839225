import { percentage } from "../format.js";
import { type Markup, markup, trusted } from "../markup.js";
import { priorChart } from "../prior-chart.js";
import { stylesheet } from "../style.js";
import { detectionTable } from "../tables.js";
import { pixelHistograms, pixelRocCurves } from "./figures.js";
import { sceneStyle, scenesSection } from "./scenes.js";
import type { SegmentationReport } from "./types.js";

interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: Markup;
}

/**
 * The report on a segmentation network as one HTML file that needs nothing else: no network, no scripts, images and charts inside. A click on
 * a picture enlarges it.
 *
 * @throws DataError when parts of the report contradict each other
 */
export async function renderSegmentationReport(report: SegmentationReport): Promise<string> {
  const sections = [
    ...(report.models.some(({ rows }) => rows.length > 0) ? [resultsSection(report)] : []),
    ...protocolSection(report),
    ...(report.models.some(({ segmentation }) => segmentation.length > 0) ? [classesSection(report)] : []),
    ...(await scenesSection(report)),
    ...histogramSection(report),
    ...rocSection(report),
    ...priorSection(report),
    ...detailsSection(report),
  ];
  const page = markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${report.title}</title>
<style>${trusted(stylesheet)}${trusted(sceneStyle)}</style>
</head>
<body>
<header>
<h1>${report.title}</h1>
<p class="lead">${report.summary.join(" ")}</p>
<p class="protocol">${report.protocol}</p>
<nav aria-label="Contents"><ul>${sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main>
${sections.map(({ id, title, content }) => markup`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${title}</h2>${content}</section>\n`)}</main>
</body>
</html>
`;
  return page.text;
}

function resultsSection({ models, baseline, title, protocol, facts, notes }: SegmentationReport): Section {
  const rows = models.map(({ name, rows: own }) => ({ name, rows: own, curves: [] }));
  const content = detectionTable({ title, summary: ["", ""], protocol, models: rows, baseline, facts, notes });
  return { id: "results", title: "Results", content };
}

function protocolSection({ otherProtocols }: SegmentationReport): Section[] {
  if (otherProtocols.length === 0) return [];
  const tables = otherProtocols.map(({ title, head, rows }) => {
    const heads = head.map(
      (name, index) => markup`<th scope="col"${index < 3 ? markup` class="text"` : ""}>${name}</th>`,
    );
    const lines = rows.map(
      ([model, ...cells]) =>
        markup`<tr><th scope="row">${model}</th>${cells.map((cell, index) => markup`<td${index < 2 ? markup` class="text"` : ""}>${cell}</td>`)}</tr>`,
    );
    return markup`<div class="scroll wide" tabindex="0" role="region" aria-label="${title}, table"><table class="full"><caption><span class="line">${title}.</span></caption><thead><tr>${heads}</tr></thead><tbody>${lines}</tbody></table></div>`;
  });
  const content = markup`<p class="explain">Other ways to count, whose numbers compare with each other but not with those above.</p>${tables}`;
  return [{ id: "protocols", title: "Other protocols", content }];
}

/** IoU of each class: a line per model and set. */
function classesSection(report: SegmentationReport): Section {
  const { classNames } = report;
  const lines = inOrder(report).flatMap(({ name, segmentation }) =>
    segmentation.map(
      ({ set, miou, classIou }) =>
        markup`<tr><th scope="row">${name}</th><td class="text">${set}</td><td class="average">${percentage(miou)}</td>${classNames.map((_, index) => markup`<td>${percentage(classIou[index] ?? Number.NaN)}</td>`)}</tr>`,
    ),
  );
  const heads = classNames.map((name) => markup`<th scope="col">${name}</th>`);
  const content = markup`<div class="scroll wide" tabindex="0" role="region" aria-label="IoU of the classes, table"><table class="full"><caption><span class="line">Intersection over union of the known classes on pixels that are labelled with one, in percent; a dash where a class is nowhere.</span></caption><thead><tr><th scope="col" class="text">Model</th><th scope="col" class="text">Set</th><th scope="col" class="average">mean</th>${heads}</tr></thead><tbody>${lines}</tbody></table></div>`;
  return { id: "classes", title: "Known classes", content };
}

const inOrder = ({ models, baseline }: SegmentationReport) => [
  ...models.filter(({ name }) => name === baseline),
  ...models.filter(({ name }) => name !== baseline),
];

function histogramSection(report: SegmentationReport): Section[] {
  const figures = pixelHistograms(inOrder(report));
  if (figures.length === 0) return [];
  const content = markup`<p class="explain">Share of pixels per bin of the score, known classes against anomalies. The few most extreme scores are counted in the outermost bins.</p>${figures}`;
  return [{ id: "scores", title: "Score distributions", content }];
}

function rocSection(report: SegmentationReport): Section[] {
  const figures = pixelRocCurves(inOrder(report));
  if (figures.length === 0) return [];
  const content = markup`<p class="explain">True positives are anomalous pixels found, false positives are pixels of known classes taken for anomalies. The dotted line is at 95 %, the dotted diagonal is chance.</p>${figures}`;
  return [{ id: "roc", title: "ROC curves", content }];
}

function priorSection({ prior }: SegmentationReport): Section[] {
  if (prior === undefined) return [];
  const content = markup`<p class="explain">How the untouched model spreads the pixels of pasted outliers over its classes.</p><figure>${priorChart(prior)}</figure>`;
  return [{ id: "prior-section", title: "Prior of the outliers", content }];
}

function detailsSection({ facts, notes }: SegmentationReport): Section[] {
  const list = markup`<dl>${facts.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
  const remarks =
    notes.length === 0 ? undefined : markup`<ul class="notes">${notes.map((note) => markup`<li>${note}</li>`)}</ul>`;
  return [{ id: "details", title: "Details", content: markup`${remarks}${list}` }];
}
