import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { betaCdf, betaDensity, betaQuantile } from "./beta.js";

/** By SciPy; see test/reference/beta.py. */
const { cases } = JSON.parse(readFileSync(new URL("../../test/reference/beta.json", import.meta.url), "utf8")) as {
  cases: (Record<"a" | "b", number> & Record<"points" | "density" | "cdf" | "probabilities" | "quantiles", number[]>)[];
};

function expectEqual(values: readonly number[], reference: readonly number[], tolerance: number): void {
  expect(values).toHaveLength(reference.length);
  const errors = values.map((value, index) => Math.abs(value / (reference[index] as number) - 1));
  expect(Math.max(...errors)).toBeLessThan(tolerance);
}

describe.each(cases)("Beta($a, $b)", ({ a, b, points, density, cdf, probabilities, quantiles }) => {
  // At a parameter of 10^6 it is SciPy that is off by 1e-10, in comparison with mpmath at 40 digits.
  const tolerance = a >= 1e6 ? 1e-9 : 1e-12;

  test("density and distribution function equal SciPy's", () => {
    expectEqual(
      points.map((x) => betaDensity(x, a, b)),
      density,
      tolerance,
    );
    expectEqual(
      points.map((x) => betaCdf(x, a, b)),
      cdf,
      tolerance,
    );
  });

  test("quantiles equal SciPy's", () => {
    expectEqual(
      probabilities.map((probability) => betaQuantile(probability, a, b)),
      quantiles,
      1e-12,
    );
  });
});

test("the distribution function is a binomial tail for whole parameters", () => {
  // P(at least 2 of 3) at x = 1/4.
  expect(betaCdf(0.25, 2, 2)).toBeCloseTo(3 * 0.25 ** 2 * 0.75 + 0.25 ** 3, 15);
});

test("the distribution function is 0 and 1 at the ends and beyond", () => {
  expect([-1, 0, 1, 2].map((x) => betaCdf(x, 2, 3))).toEqual([0, 0, 1, 1]);
});

test("a symmetric distribution has its median in the middle", () => {
  for (const parameter of [0.5, 1, 2, 1000, 1e7]) expect(betaQuantile(0.5, parameter, parameter)).toBeCloseTo(0.5, 12);
});
