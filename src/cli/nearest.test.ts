import { describe, expect, test } from "vitest";
import { nearest } from "./nearest.js";

const flags = ["--outlier-batch", "--outliers", "--out", "--lr", "--m-in", "--m-out", "--gamma", "--gamma-weight"];

describe("nearest", () => {
  test.each([
    ["--gama", "--gamma", "a missing letter"],
    ["--gamam", "--gamma", "two letters swapped"],
    ["--outlierbatch", "--outlier-batch", "a missing dash"],
    ["--outlies", "--outliers", "a missing letter at the end"],
    ["--mout", "--m-out", "a missing dash in a short flag"],
    ["--outlier-b", "--outlier-batch", "an unfinished word"],
  ])("%s is taken for %s: %s", (typed, meant) => {
    expect(nearest(typed, flags)).toBe(meant);
  });

  test("a word like none of them gets no suggestion that would mislead", () => {
    expect(nearest("--temperature", flags)).toBeUndefined();
    expect(nearest("x", ["energy", "msp"])).toBeUndefined();
    expect(nearest("gamma", [])).toBeUndefined();
  });
});
