import { describe, expect, test } from "vitest";
import { parsePythonLiteral } from "./python-literal.js";

test("dicts, tuples, lists, numbers and words are read as Python means them", () => {
  const text = `{'a': (1, -2.5e3, 3L,), "b": [True, False, None, ()], 'c': (7), 'd': (7,), }`;
  expect(parsePythonLiteral(text, "x")).toEqual(
    new Map<string, unknown>([
      ["a", [1, -2500, 3]],
      ["b", [true, false, null, []]],
      ["c", 7],
      ["d", [7]],
    ]),
  );
});

describe("refused", () => {
  test.each([
    ["", "the end of the text"],
    ["{'a': 1", 'expected "," or "}"'],
    ["{'a' 1}", 'expected ":"'],
    ["{1: 2}", "a key in quotes"],
    ["{'a': 1, 'a': 2}", 'a key other than "a"'],
    ["{'a': 1} x", "expected the end"],
    ["'it\\'s'", "Python literal"],
    ["open('x')", "Python literal"],
    ["(1 2)", 'expected "," or ")"'],
    ["[,]", "Python literal"],
    [`${"[".repeat(100_000)}`, "at most 8 levels"],
  ])("%s", (text, message) => {
    expect(() => parsePythonLiteral(text, "x")).toThrow(message);
  });

  test("a long run of digits or spaces takes no longer than its length", () => {
    const start = performance.now();
    expect(() => parsePythonLiteral(`${"9".repeat(1_000_000)}${" ".repeat(1_000_000)}!`, "x")).toThrow(
      "expected the end",
    );
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
