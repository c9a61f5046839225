import { type Cell, type Cells, compare, type Line, type MetricColumn, metricColumns } from "./comparison.js";
import { percentage, signedPoints } from "./format.js";
import { clean, displayWidth, padded, truncate } from "./text-width.js";
import type { DetectionRow } from "./types.js";

export interface TextTableOptions {
  /** Model that the others are compared with; no differences when absent. */
  readonly baseline?: string;
  /** Whether to make the best numbers bold and to colour differences; without it the best carry a `*`. Default: {@link wantsColor} of standard output. */
  readonly color?: boolean;
  /** Columns of the terminal. Default: what standard output says, 100 when it is no terminal. At least 24. */
  readonly width?: number;
}

interface Stream {
  readonly isTTY?: boolean;
}

/** Whether a stream should get colour: a terminal that is not dumb, and no NO_COLOR (https://no-color.org) in the environment. */
export function wantsColor(stream: Stream, environment: Readonly<Record<string, string | undefined>>): boolean {
  const { NO_COLOR: noColor = "", TERM: terminal } = environment;
  return stream.isTTY === true && noColor === "" && terminal !== "dumb";
}

/** What a table shows; a narrow terminal gets less. */
interface Layout {
  readonly metrics: readonly MetricColumn[];
  readonly differences: boolean;
}

const withoutAupr = metricColumns.filter(({ key }) => key !== "aupr");
/** From the fullest to the barest. AUROC and FPR95 are what a reader compares; AUPR goes first. */
const layouts: readonly Layout[] = [
  { metrics: metricColumns, differences: true },
  { metrics: withoutAupr, differences: true },
  { metrics: withoutAupr, differences: false },
];

const gap = 2;
const indent = 2;
const leastName = 14;
const valueWidth = 7;
const differenceWidth = 8;

/**
 * The results as text for a terminal, in percent: a block per OOD set and one for the average, in each a line per model and score.
 * No line is wider than the terminal: names are cut, then AUPR and the differences are left out. Control characters in names are
 * removed, so that a file name cannot write to the terminal.
 */
export function renderTextTable(rows: readonly DetectionRow[], options: TextTableOptions = {}): string {
  const { baseline, color = wantsColor(process.stdout, process.env) } = options;
  const width = Math.max(24, options.width ?? process.stdout.columns ?? 100);
  const { sets, scores, lines } = compare(rows, baseline);
  const compared = lines.some(({ sets: cells }) => cells.some((cell) => cell?.auroc.difference !== undefined));
  // Of a name that is too long the model's part is cut: the score tells lines of one model apart.
  const scoreOf = (line: Line) => (scores.length > 1 ? clean(`, ${line.score}`) : "");
  const name = (line: Line, room = Number.POSITIVE_INFINITY) => {
    const kept = Math.max(1, room - displayWidth(scoreOf(line)));
    return truncate(truncate(clean(line.model), kept) + scoreOf(line), room);
  };
  const heading = scores.length === 1 ? `%, ${clean(scores[0] ?? "")} score` : "%";
  const longest = Math.max(displayWidth(heading) - indent, ...lines.map((line) => displayWidth(name(line))));
  const layout = layouts
    .map((candidate) => ({ ...candidate, differences: candidate.differences && compared }))
    .find((candidate) => indent + Math.min(longest, leastName) + numbersWidth(candidate) <= width) ?? {
    metrics: withoutAupr,
    differences: false,
  };
  const nameWidth = Math.max(1, Math.min(longest, width - indent - numbersWidth(layout)));

  const block = (title: string, of: (line: Line) => Cells | undefined) => {
    const body = lines.flatMap((line) => {
      const cells = of(line);
      if (cells === undefined) return [];
      const numbers = layout.metrics.map(({ key }) => cellText(cells[key], layout.differences, color)).join("");
      return [`${" ".repeat(indent)}${padded(name(line, nameWidth), nameWidth)}${numbers}`.trimEnd()];
    });
    return body.length === 0 ? [] : [style(truncate(clean(title), width), underlined, color), ...body];
  };

  const heads = layout.metrics.map(({ label, arrow }) => {
    const head = `${label} ${arrow}`.padStart(valueWidth + gap);
    return layout.differences ? head + " ".repeat(differenceWidth) : head;
  });
  return [
    `${padded(truncate(heading, indent + nameWidth), indent + nameWidth)}${heads.join("")}`.trimEnd(),
    ...sets.flatMap((set, index) => block(set, (line) => line.sets[index])),
    ...(sets.length > 1 ? block(`average of ${sets.length} sets`, ({ average }) => average) : []),
    "",
  ].join("\n");
}

function numbersWidth({ metrics, differences }: Layout): number {
  return metrics.length * (gap + valueWidth + (differences ? differenceWidth : 0));
}

/** A value right-aligned, and behind it the difference; `!` says that it is bad news where colour cannot. */
function cellText({ value, best, difference, verdict }: Cell, differences: boolean, color: boolean): string {
  const plain = best && !color ? `*${percentage(value)}` : percentage(value);
  const number = " ".repeat(Math.max(0, gap + valueWidth - plain.length)) + style(plain, bold, color && best);
  if (!differences) return number;
  const signed = difference === undefined ? "" : `${signedPoints(difference)}${verdict === "worse" ? "!" : ""}`;
  const change = ` ${signed}`.padEnd(differenceWidth);
  return (
    number + style(change, verdict === "worse" ? yellow : cyan, color && verdict !== undefined && verdict !== "same")
  );
}

type Code = readonly [on: number, off: number];
const bold: Code = [1, 22];
const underlined: Code = [4, 24];
const yellow: Code = [33, 39];
const cyan: Code = [36, 39];

function style(text: string, [on, off]: Code, enabled: boolean): string {
  return enabled ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}
