import { expect, test } from "vitest";
import { displayWidth, truncate } from "./text-width.js";

test.each([
  ["cat", 3],
  ["日本", 4],
  ["한국 a", 6],
  ["e\u0301", 1],
  ["🐟", 2],
  ["", 0],
])("%s takes %d cells", (text, width) => expect(displayWidth(text)).toBe(width));

test.each([
  ["balanced-energy", 15, "balanced-energy"],
  ["balanced-energy", 9, "balanced…"],
  ["two words", 5, "two…"],
  ["日本語", 4, "日…"],
  ["abc", 1, "…"],
  ["abc", 0, ""],
])("%s cut to %d cells is %s", (text, width, expected) => {
  expect(truncate(text, width)).toBe(expected);
  expect(displayWidth(truncate(text, width))).toBeLessThanOrEqual(width);
});
