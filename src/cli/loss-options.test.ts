import { expect, test } from "vitest";
import { toldSearch } from "./loss-options.js";

const preset = { alpha: 100, gamma: 0.5 };

test.each([
  ["nothing without a list", { alpha: 3 }, undefined],
  ["the preset's number for the one that has no list", { searchAlpha: [0, 5] }, { alpha: [0, 5], gamma: [0.5] }],
  ["the preset's number the other way round", { searchGamma: [1] }, { alpha: [100], gamma: [1] }],
  ["a number that is told over the preset's", { searchAlpha: [0], gamma: 2 }, { alpha: [0], gamma: [2] }],
])("a search has %s", (_what, told, search) => {
  expect(toldSearch(told, preset).search).toEqual(search);
});

test("without a preset the number is a default", () => {
  expect(toldSearch({ searchAlpha: [0] })).toEqual({ search: { alpha: [0], gamma: [0.75] } });
});

test.each([
  [{ searchAlpha: [0], alpha: 1 }, "a number, or a list to choose from, got both"],
  [{ searchAlpha: [0], gamma: "auto" }, "--gamma: expected a number beside --search-alpha, got auto"],
] as const)("refuses %o", (told, sentence) => {
  expect(() => toldSearch(told)).toThrow(sentence);
});
