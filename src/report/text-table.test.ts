import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { sampleReport } from "../../test/report/sample-report.js";
import { renderTextTable, wantsColor } from "./text-table.js";
import { displayWidth } from "./text-width.js";
import type { DetectionRow } from "./types.js";

function row(model: string, ood: string, auroc: number, fpr95: number): DetectionRow {
  return { model, score: "energy", ood, auroc: { value: auroc }, aupr: { value: auroc }, fpr95: { value: fpr95 } };
}

const rows = [
  row("untouched", "far", 0.8, 0.6),
  row("untouched", "near", 0.7, 0.8),
  row("tuned", "far", 0.95, 0.05),
  row("tuned", "near", 0.68, 0.85),
];

test("without colour the best carry a star and what got worse an exclamation mark", () => {
  expect(renderTextTable(rows, { baseline: "untouched", color: false, width: 100 })).toBe(
    `%, energy score  AUROC ↑           AUPR ↑          FPR95 ↓
far
  untouched        80.00            80.00            60.00
  tuned           *95.00 +15.00    *95.00 +15.00     *5.00 −55.00
near
  untouched       *70.00           *70.00           *80.00
  tuned            68.00 −2.00!     68.00 −2.00!     85.00 +5.00!
average of 2 sets
  untouched        75.00            75.00            70.00
  tuned           *81.50 +6.50     *81.50 +6.50     *45.00 −25.00
`,
  );
});

test("with colour the same numbers stand in the same columns, the best in bold", () => {
  const colored = renderTextTable(rows, { baseline: "untouched", color: true, width: 100 });
  const plain = renderTextTable(rows, { baseline: "untouched", color: false, width: 100 });
  expect(stripVTControlCharacters(colored).replace(/ +$/gm, "")).toBe(plain.replaceAll("*", " "));
  expect(colored).toContain("\u001b[1m95.00\u001b[22m");
  expect(colored).not.toContain("\u001b[1m68.00");
});

test("no line is wider than the terminal, down to 24 columns, and AUROC and FPR95 stay", () => {
  const report = sampleReport({
    models: ["untouched", "ein-langer-name-für-ein-modell", "日本語のモデル名前"],
    scores: ["msp", "energy"],
  });
  const all = report.models.flatMap((model) => model.rows);
  for (const color of [true, false]) {
    for (let width = 24; width <= 140; width++) {
      const text = stripVTControlCharacters(renderTextTable(all, { baseline: "untouched", color, width }));
      for (const line of text.split("\n")) expect(displayWidth(line), `${width}: ${line}`).toBeLessThanOrEqual(width);
      expect(text).toContain("AUROC ↑");
      expect(text).toContain("FPR95 ↓");
    }
  }
});

test("names cannot write to the terminal", () => {
  const text = renderTextTable([row("evil\u001b[2J\u001b]0;title\u0007\nname\u202e", "a\rb", 0.5, 0.5)], {
    color: false,
    width: 80,
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there.
  expect(text.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  expect(text.split("\n")).toHaveLength(4);
});

test("without a baseline, and for a single set, there is nothing to compare and no average", () => {
  const text = renderTextTable([row("m", "far", 0.8, 0.6)], { color: false, width: 80 });
  expect(text).toBe("%, energy score  AUROC ↑   AUPR ↑  FPR95 ↓\nfar\n  m                80.00    80.00    60.00\n");
});

test.each([
  [true, {}, true],
  [true, { NO_COLOR: "1" }, false],
  [true, { NO_COLOR: "" }, true],
  [true, { TERM: "dumb" }, false],
  [false, {}, false],
  [undefined, {}, false],
])("terminal %s with %j: colour is %s", (isTTY, environment, expected) => {
  expect(wantsColor(isTTY === undefined ? {} : { isTTY }, environment)).toBe(expected);
});

test("of names that are too long the model's part is cut, and the score stays", () => {
  const long = "a-network-with-a-name-that-is-longer-than-any-terminal-has-room-for";
  const two = ["msp", "energy"].flatMap((score) =>
    rows.map((each) => ({ ...each, model: `${long}-${each.model}`, score })),
  );
  const text = renderTextTable(two, { baseline: `${long}-untouched`, color: false, width: 80 });
  expect(text.match(/…, msp /g)).toHaveLength(6);
  expect(text.match(/…, energy /g)).toHaveLength(6);
});
