import { expect, test } from "vitest";
import { inColumns } from "./columns.js";

test("columns are as wide as what stands in them on a terminal, and names write nothing else to it", () => {
  const rows = [
    ["file", "score"],
    ["\u6587\u4ef6.png", "1.5"],
    ["a\u001b[2Jb\n.png", "12.25"],
  ];
  expect(inColumns(rows, ["left", "right"])).toEqual(["file      score", "\u6587\u4ef6.png    1.5", "ab .png   12.25"]);
});
