import { expect, test } from "vitest";
import { rankFigure, scoreRanks } from "./ranks.js";
import type { DetectionRow, Report } from "./types.js";

const row = (score: string, ood: string, auroc: number): DetectionRow => ({
  model: "m",
  score,
  ood,
  auroc: { value: auroc },
  aupr: { value: 0.5 },
  fpr95: { value: 0.5 },
});
const rows = [
  ...[row("a", "x", 0.9), row("b", "x", 0.8), row("c", "x", 0.8), row("d", "x", 0.1)],
  ...[row("a", "y", 0.2), row("b", "y", 0.8), row("c", "y", 0.7), row("d", "y", 0.1)],
];

test("ranks by AUROC on each set, ties share the mean of their ranks, the best mean comes first", () => {
  expect(scoreRanks(rows)).toEqual([
    { name: "b", ranks: [2.5, 1] },
    { name: "a", ranks: [1, 3] },
    { name: "c", ranks: [2.5, 2] },
    { name: "d", ranks: [4, 4] },
  ]);
});

const report = (shown: readonly DetectionRow[]) => ({ models: [{ rows: shown }] }) as unknown as Report;

test("the figure names every score with its mean rank, and is left out where there is too little to rank", () => {
  const figure = rankFigure(report(rows))?.text ?? "";
  for (const name of ["a", "b", "c", "d"]) expect(figure).toContain(`>${name}</text>`);
  expect(figure).toContain("Best on average: b.");
  expect(figure).toContain(">1.8</text>");
  expect(rankFigure(report(rows.filter(({ ood }) => ood === "x")))).toBeUndefined();
  expect(rankFigure(report(rows.filter(({ score }) => score < "c")))).toBeUndefined();
});
