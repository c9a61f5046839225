import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DataError, OptionError } from "../errors.js";
import { histograms } from "./histograms.js";

interface Case {
  readonly name: string;
  readonly id: readonly number[];
  readonly ood: readonly number[];
  readonly histogram: {
    readonly edges: readonly number[];
    readonly id: readonly number[];
    readonly ood: readonly number[];
  };
}
// Made by test/reference/metrics.py with numpy.histogram.
const reference = JSON.parse(readFileSync(new URL("../../test/reference/metrics.json", import.meta.url), "utf8")) as {
  cases: readonly Case[];
};

describe("edges and counts equal numpy.histogram's", () => {
  test.each(reference.cases)("$name", ({ id, ood, histogram }) => {
    const result = histograms(Float64Array.from(id), Float64Array.from(ood), 7);
    expect(Array.from(result.id)).toEqual(histogram.id);
    expect(Array.from(result.ood)).toEqual(histogram.ood);
    expect(Array.from(result.edges)).toEqual(histogram.edges);
  });
});

test("every score is counted once, the largest one in the last bin", () => {
  const result = histograms(Float32Array.of(0, 1, 2, 3), Float32Array.of(4, 4), 4);
  expect(Array.from(result.edges)).toEqual([0, 1, 2, 3, 4]);
  expect(Array.from(result.id)).toEqual([1, 1, 1, 1]);
  expect(Array.from(result.ood)).toEqual([0, 0, 0, 2]);
});

test("scores whose range overflows still get finite edges", () => {
  const { edges, id, ood } = histograms(Float64Array.of(-1.7e308), Float64Array.of(1.7e308), 2);
  expect(Array.from(edges)).toEqual([-1.7e308, 0, 1.7e308]);
  expect([...id, ...ood]).toEqual([1, 0, 0, 1]);
});

test("bad scores and bad numbers of bins are refused", () => {
  const good = Float32Array.of(1);
  expect(() => histograms(good, Float32Array.of(Number.NaN), 5)).toThrow(DataError);
  for (const bins of [0, 1.5, 1e9]) expect(() => histograms(good, good, bins)).toThrow(OptionError);
});
