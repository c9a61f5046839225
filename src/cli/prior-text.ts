import { count, percentage } from "../report/format.js";
import type { Prior } from "../training/index.js";
import { inColumns } from "./columns.js";

const longestBar = 40;
/** More classes than this are summed up by the most and the least frequent ones. */
const mostClasses = 30;

/** The prior as bars for a terminal, most frequent class first. */
export function priorText(prior: Prior, columns: number): string {
  const { counts, classNames, outliers } = prior;
  const classes = counts
    .map((number, index) => ({ name: classNames?.[index] ?? `class ${index}`, number, share: number / outliers }))
    .sort((a, b) => b.number - a.number);
  const half = mostClasses / 2;
  const shown = classes.length <= mostClasses ? classes : [...classes.slice(0, half), ...classes.slice(-half)];
  const nameWidth = Math.max(...shown.map(({ name }) => name.length));
  // Two gaps, the percentage and the count stand beside the bar.
  const width = Math.max(5, Math.min(longestBar, columns - nameWidth - 20));
  const scale = width / (classes[0]?.share || 1);
  const rows = shown.map(({ name, number, share }) => [
    name,
    bar(share * scale, width),
    `${percentage(share)} %`,
    String(number),
  ]);
  const lines = inColumns(rows, ["left", "left", "right", "right"]);
  if (shown.length < classes.length) lines.splice(half, 0, `... ${classes.length - shown.length} classes between`);
  const ratio = prior.imbalanceRatio === null ? "some class gets none" : `${prior.imbalanceRatio.toFixed(1)} times`;
  return [
    `How the model spreads ${count(outliers)} outliers over its ${counts.length} classes`,
    ...lines,
    `effective number of classes ${prior.effectiveClasses.toFixed(1)} of ${counts.length}; most over least frequent: ${ratio}`,
  ].join("\n");
}

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

function bar(length: number, width: number): string {
  const whole = Math.floor(length);
  const part = eighths[Math.floor((length - whole) * 8)] ?? "";
  return `${"█".repeat(whole)}${part}`.padEnd(width);
}
