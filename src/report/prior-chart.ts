import { DataError } from "../errors.js";
import { barChart, standaloneSvg } from "./chart/index.js";
import { count } from "./format.js";
import type { Markup } from "./markup.js";
import type { ReportPrior } from "./types.js";

/** The prior as bars in percent, largest first, with the even share as a dashed line. */
export function priorChart(prior: ReportPrior): Markup {
  const { classNames, share, outliers } = prior;
  if (classNames.length !== share.length || share.length === 0) {
    throw new DataError({
      where: "prior",
      expected: "a name and a share for every class",
      received: `${classNames.length} names and ${share.length} shares`,
    });
  }
  const bars = share
    .map((value, index) => ({ name: classNames[index] ?? "", value: value * 100 }))
    .sort((a, b) => b.value - a.value);
  const [most, least] = [bars[0], bars.at(-1)] as [(typeof bars)[number], (typeof bars)[number]];
  return barChart({
    id: "prior",
    title: "Outliers per predicted class",
    note: `${count(outliers)} outliers, ${count(share.length)} classes`,
    description: `Share of ${count(outliers)} outliers that the untouched model puts into each of ${count(share.length)} classes, largest first. Most: ${most.name}, ${most.value.toFixed(2)} %. Least: ${least.name}, ${least.value.toFixed(2)} %.`,
    bars,
    valueLabel: "share of outliers (%)",
    barLabel: "rank of the class (1: most predicted)",
    reference: { value: 100 / share.length, label: `even share, ${(100 / share.length).toFixed(2)} %` },
  });
}

/** The prior chart as the text of an SVG file. */
export function renderPriorChart(prior: ReportPrior): string {
  return standaloneSvg(priorChart(prior));
}
