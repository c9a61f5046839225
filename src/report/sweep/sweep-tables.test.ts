import { expect, test } from "vitest";
import { elements, parseSvg, unbalancedTag } from "../../../test/report/markup-checks.js";
import { demoState } from "../../../test/report/sweep-state.js";
import { summarize } from "../../benchmarks/sweep/index.js";
import { displayWidth } from "../text-width.js";
import {
  escapeLatex,
  renderSweepCsv,
  renderSweepLatex,
  renderSweepMarkdown,
  renderSweepReport,
  renderSweepText,
} from "./index.js";

const tables = summarize(demoState());
const line = (text: string, start: string) => text.split("\n").find((each) => each.startsWith(start));

test("Markdown: means, spreads, bold for the best, and names that would be markup stay text", () => {
  const text = renderSweepMarkdown(tables);
  expect(text).toContain(
    "| method | score | n | AUROC ↑ | AP ↑ | FPR95 ↓ | accuracy ↑ | many\\-shot ↑ | medium\\-shot ↑ | few\\-shot ↑ | adjusted accuracy ↑ | adjusted few\\-shot ↑ |",
  );
  expect(line(text, "| =Energy")).toBe(
    "| =Energy \\| 50 % | energy | 2 | **92.00 ± 2.83** | **92.00 ± 2.83** | **30.00 ± 0.00** | 65.00 ± 7.07 | **90.00 ± 0.00** | **70.00 ± 0.00** | 45.00 ± 7.07 | 72.00 ± 7.07 | **60.00 ± 0.00** |",
  );
  expect(line(text, "| ST \\& MSP")).toContain("| 1 | 70.00 | 70.00 |");
  expect(text).toContain("| method | near\\_set \\(200\\) | far \\(3,000\\) |");
  expect(text).toContain("| OE\\_tuned \\(msp\\) | 80.00 / 85.04 / −5.04 |  |");
  expect(text).toContain("| =Energy \\| 50 % | 92.00 / 91.92 / \\+0.08 | 65.00 / 74.53 / −9.53 |");
});

test("every table says what the numbers may be compared with, and which rows are missing and why", () => {
  for (const text of [renderSweepMarkdown(tables), renderSweepLatex(tables), renderSweepText(tables, 200)]) {
    const plain = text.replaceAll("\\", "");
    expect(plain).toContain("These sets stand in for others.");
    expect(plain).toContain(
      "The paper's numbers are those of the paper, table 1. They belong to its network, training and data",
    );
    expect(plain).toContain("Not in the table: Broken (the disk is full).");
    expect(plain).toContain("Not in the table: Later (no loss yet).");
    expect(plain).toContain("near_set (200), far (3,000)");
  }
});

test("LaTeX: what the language takes for its own is escaped", () => {
  expect([escapeLatex("[ours] *"), escapeLatex("*")]).toEqual(["{}[ours] *", "{}*"]);
  expect(escapeLatex("50 % & $1_000 #2 {a} ~x^2\\y <|>")).toBe(
    "50 \\% \\& \\$1\\_000 \\#2 \\{a\\} \\textasciitilde{}x\\textasciicircum{}2\\textbackslash{}y \\textless{}\\textbar{}\\textgreater{}",
  );
  expect(escapeLatex("α ≤ β, λ ≥ ω × σ")).toBe(
    "$\\alpha$ $\\leq$ $\\beta$, $\\lambda$ $\\geq$ $\\omega$ $\\times$ $\\sigma$",
  );
  const text = renderSweepLatex(tables);
  expect(line(text, "    ST")).toMatch(/^ {4}ST \\& MSP & msp & 1 & 70\.00 & .* \\\\$/);
  expect(text).toContain("=Energy \\textbar{} 50 \\% & energy & 2 & \\textbf{92.00 $\\pm$ 2.83} &");
  expect(text).toContain("\\begin{tabular}{llrrrrrrrrrr}");
  expect(text).toContain("80.00 / 85.04 / $-$5.04");
  // Outside comments nothing may be left that LaTeX does not know.
  const code = text
    .split("\n")
    .filter((each) => !each.startsWith("%"))
    .join("\n");
  expect(code).not.toMatch(/[^\\][%#]|[^\\]_|[^\n\x20-\x7e]/);
});

test("CSV: one line per number at full precision, and no cell that a spreadsheet would run", () => {
  const text = renderSweepCsv(tables);
  expect(text.split("\n")[0]).toBe(
    "table,recipe,method,score,ood,metric,n,seeds,mean,deviation,paper,difference,values",
  );
  expect(line(text, "demo,demo/energy,'=Energy | 50 %,energy,average,auroc")).toBe(
    `demo,demo/energy,'=Energy | 50 %,energy,average,auroc,2,1 2,${(0.9 + 0.94) / 2},${Math.sqrt(((0.9 - 0.92) ** 2 + (0.94 - 0.92) ** 2) / 1)},0.9192,${(0.9 + 0.94) / 2 - 0.9192},0.9 0.94`,
  );
  expect(line(text, "demo,demo/msp,ST & MSP,msp,near_set,fpr95")).toBe(
    "demo,demo/msp,ST & MSP,msp,near_set,fpr95,1,1,0.35,,,,0.35",
  );
  const cells = text
    .trim()
    .split("\n")
    .map((each) => each.split(",").length);
  expect(new Set(cells)).toEqual(new Set([13]));
  // 4 rows, each 3 metrics of 2 sets and the average, 2 accuracies, and 2 of each of 3 groups.
  expect(cells).toHaveLength(1 + 4 * (3 * 3 + 2 + 6));
});

test.each([60, 80, 100, 160])("at %d columns no line of text is wider, and AUROC and FPR95 stay", (width) => {
  const text = renderSweepText(tables, width);
  for (const each of text.split("\n")) expect(displayWidth(each)).toBeLessThanOrEqual(width);
  expect(line(text, "method")).toMatch(/AUROC ↑.*FPR95 ↓/);
  expect(text).toContain("*92.00 ± 2.83");
});

test("a title cannot write to the terminal", () => {
  const [table] = tables;
  const row = { ...table?.rows[0], title: "a\u001b[2Jb\nc" } as (typeof tables)[number]["rows"][number];
  const text = renderSweepText([{ ...(table as (typeof tables)[number]), rows: [row] }], 120);
  expect(text).toContain("ab c");
  expect(text).not.toContain("\u001b");
});

test("HTML: tags are balanced, ids unique and found, charts well-formed, nothing is NaN, and the network is asked for nothing", async () => {
  const two = [...tables, { ...(tables[0] as (typeof tables)[number]), name: "second" }];
  const html = renderSweepReport({ title: "Sweep <1>", tables: two, facts: [["Seeds", "1, 2"]] });
  expect(unbalancedTag(html)).toBeUndefined();
  const ids = [...html.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const wanted = [...html.matchAll(/(?:href="#|url\(#)([^")]+)/g)].map(([, id]) => id);
  expect(wanted.filter((id) => !ids.includes(id))).toEqual([]);
  expect(/.{0,40}(?:NaN|undefined|\[object|Infinity)/.exec(html)?.[0]).toBeUndefined();
  expect(html.replaceAll('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/https?:|<script|<link|@import/);
  const charts = html.match(/<svg[\s\S]*?<\/svg>/g) ?? [];
  for (const svg of charts) await parseSvg(svg);
  // Of each table: ranks, four quantities by seed, and a prior.
  expect(charts).toHaveLength(2 * (1 + 4 + 1));
  expect(html).toContain("Sweep &lt;1&gt;");
});

test("the heat table is deepest where a column is best, whichever way is better, and says so in numbers too", () => {
  const html = renderSweepReport({ title: "Sweep", tables, facts: [] });
  const [auroc = ""] = html.split("AUROC in percent, higher is better").slice(1);
  const cells = elements(auroc.slice(0, auroc.indexOf("</table>")), "td").map(({ style }) => style);
  // Rows ascend from 0.7 to 0.92; columns: average, near_set, far.
  expect(cells.slice(0, 3)).toEqual(Array(3).fill("--tint:0.000"));
  expect(cells.slice(-3)).toEqual(Array(3).fill("--tint:0.500"));
  expect(html).toContain('title="92.00 ± 2.83">92.00</td>');
});

test("the lead of the best is set against the spread of seeds, and a tie is no lead", () => {
  const html = (rows: (typeof tables)[number]["rows"]) =>
    renderSweepReport({ title: "Sweep", tables: [{ ...(tables[0] as (typeof tables)[number]), rows }], facts: [] });
  const rows = tables[0]?.rows ?? [];
  expect(html(rows)).toContain(
    "demo: of 4 rows ST &amp; MSP has the lowest mean FPR95, 30.00 %, as has OE_tuned (msp). 2 of its rows have no numbers yet.",
  );
  const better = rows.map((row, index) => {
    const fpr95 = { ...row.average.fpr95, mean: 0.3 - 0.01 * index, deviation: 0.004 * index };
    return { ...row, average: { ...row.average, fpr95 } };
  });
  expect(html(better)).toContain(
    "=Energy | 50 % has the lowest mean FPR95, 27.00 %, ahead of OE_tuned (energy) by 1.00 points; the larger of the two spreads over seeds is 1.20.",
  );
});
