import { expect, test } from "vitest";
import { csvText, renderCsv } from "./csv.js";
import type { DetectionRow } from "./types.js";

const row: DetectionRow = {
  model: "tuned",
  score: "energy",
  ood: "SVHN, test",
  auroc: { value: 0.1 + 0.2 },
  aupr: { value: Number.NaN },
  fpr95: { value: 1e-7 },
};

test("numbers are fractions at full precision, what could not be measured is empty", () => {
  expect(renderCsv([row])).toBe(
    'model,score,ood,auroc,aupr,fpr95\ntuned,energy,"SVHN, test",0.30000000000000004,,1e-7\n',
  );
});

test("intervals get columns of their own, empty where a row has none", () => {
  const withInterval = { ...row, ood: "a", auroc: { value: 0.5, interval: [0.4, 0.6] as const } };
  expect(renderCsv([withInterval, row]).split("\n").slice(0, 2)).toEqual([
    "model,score,ood,auroc,auroc_low,auroc_high,aupr,aupr_low,aupr_high,fpr95,fpr95_low,fpr95_high",
    "tuned,energy,a,0.5,0.4,0.6,,,,1e-7,,",
  ]);
});

test.each([
  ["plain name", "plain name"],
  ["=1+1", "'=1+1"],
  ["+1", "'+1"],
  ["-1", "'-1"],
  ["@SUM(A1)", "'@SUM(A1)"],
  ["  =1", "'  =1"],
  ["\t=1", "'\t=1"],
  ["\uff1d1", "'\uff1d1"],
  ['=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"'],
  ['say "hi"', '"say ""hi"""'],
  ["a\nb", '"a\nb"'],
  ["a;=1", "a;=1"],
])("the cell %j becomes %j", (text, expected) => expect(csvText(text)).toBe(expected));
