import { expect, test } from "vitest";
import { escapeMarkdown, renderMarkdownTable } from "./markdown.js";
import type { DetectionRow } from "./types.js";

function row(model: string, ood: string, auroc: number, fpr95: number): DetectionRow {
  return { model, score: "energy", ood, auroc: { value: auroc }, aupr: { value: auroc }, fpr95: { value: fpr95 } };
}

test("the best of each set is bold, differences are signed and bad news is named", () => {
  const rows = [
    row("untouched", "far", 0.8, 0.6),
    row("tuned", "far", 0.95, 0.05),
    row("untouched", "near", 0.7, 0.8),
    row("tuned", "near", 0.68, 0.8),
  ];
  expect(renderMarkdownTable(rows, { baseline: "untouched" })).toBe(
    `| OOD set | Model | Score | AUROC ↑ (%) | AUPR ↑ (%) | FPR95 ↓ (%) |
| --- | --- | --- | ---: | ---: | ---: |
| far | untouched | energy | 80.00 | 80.00 | 60.00 |
| far | tuned | energy | **95.00** (+15.00) | **95.00** (+15.00) | **5.00** (−55.00) |
| near | untouched | energy | **70.00** | **70.00** | **80.00** |
| near | tuned | energy | 68.00 (−2.00, worse) | 68.00 (−2.00, worse) | **80.00** (±0.00) |
| *average* | untouched | energy | 75.00 | 75.00 | 70.00 |
| *average* | tuned | energy | **81.50** (+6.50) | **81.50** (+6.50) | **42.50** (−27.50) |
`,
  );
});

test("a name cannot end its cell, start a line or become markup", () => {
  const table = renderMarkdownTable([row("a|b\nc", "<img src=x> [l](u) `x`", 0.5, 0.5)]);
  expect(table.split("\n")).toHaveLength(4);
  expect(table).toContain("| \\<img src=x\\> \\[l\\]\\(u\\) \\`x\\` | a\\|b c |");
});

test("ordinary names stay readable", () => {
  expect(escapeMarkdown("balanced energy 0.75")).toBe("balanced energy 0.75");
});
