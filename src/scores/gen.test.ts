import { describe, expect, test } from "vitest";
import { runModel } from "../../test/gradients/run-model.js";
import { casesOf, expectReference } from "../../test/reference/posthoc.js";
import { headOf, scoreOne } from "../../test/reference/tiny-scores.js";
import { createGenerator } from "../data/index.js";
import { OptionError } from "../errors.js";
import { GraphBuilder } from "../graph/builder.js";
import type { Dim, Tensor } from "../onnx/types.js";
import { gen, genScore } from "./gen.js";

test.each(casesOf("gen"))("equals NumPy's float64 values on real logits with $options", async (stored) => {
  await expectReference(genScore, stored);
});

const one = (f: readonly number[], options = {}) =>
  scoreOne(genScore, { head: headOf(f.map(() => [0])), z: [0], f }, { options });

test("of K equal probabilities it is K (1/K · (K-1)/K)^γ", async () => {
  expect(await one([3, 3, 3, 3], { gamma: 0.5 })).toBeCloseTo(4 * Math.sqrt(3 / 16), 6);
});

test("of probabilities 1/7, 2/7 and 4/7 only the largest count", async () => {
  const f = [0, 1, 2].map((power) => power * Math.LN2);
  expect(await one(f, { gamma: 0.5, largest: 2 })).toBeCloseTo((Math.sqrt(12) + Math.sqrt(10)) / 7, 6);
});

test("a probability too near 1 for float32 still counts", async () => {
  // p = 1/(1 + e^-60): p(1-p) = e^-60 to 26 digits.
  expect((await one([60, 0])) / (2 * Math.exp(-6))).toBeCloseTo(1, 5);
});

test("probabilities too small for float32 still count", async () => {
  expect((await one([200, 0, -10])) / (Math.exp(-20) * (2 + Math.exp(-1)))).toBeCloseTo(1, 4);
});

test("one class has no generalized entropy", async () => {
  expect(await one([5])).toBe(0);
});

/** The formula in float64. */
function expected(f: readonly number[], { gamma, largest }: { gamma: number; largest: number }): number {
  const weights = f.map((logit) => Math.exp(logit - Math.max(...f)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const terms = weights
    .map((weight, index) => {
      const others = weights.reduce((sum, other, at) => (at === index ? sum : sum + other), 0);
      return { weight, term: ((weight / total) * (others / total)) ** gamma };
    })
    .sort((a, b) => b.weight - a.weight);
  return terms.slice(0, largest).reduce((sum, { term }) => sum + term, 0);
}

describe.each([
  { dims: [30, 150], open: ["N", 150] },
  { dims: [2, 5, 3, 4], open: ["N", 5, "H", "W"] },
  { dims: [2, 150, 3, 2], open: ["N", 150, "H", "W"] },
] satisfies { dims: number[]; open: Dim[] }[])("$dims", ({ dims, open }) => {
  test.each([
    { gamma: 0.1, largest: 100 },
    { gamma: 0.9, largest: 2 },
  ])("of random logits it is the formula's float64 value with $gamma and $largest", async (options) => {
    const generator = createGenerator(3);
    const [images, classes, ...pixels] = dims as [number, number, ...number[]];
    const area = pixels.reduce((product, size) => product * size, 1);
    const data = Float32Array.from({ length: images * classes * area }, () => 40 * generator.uniform());
    const builder = new GraphBuilder();
    const score = gen(builder.input("logits", "float32", open), options);
    expect(score.dims).toEqual(open.toSpliced(1, 1));
    const feeds = { logits: { dtype: "float32", dims, data } } as const;
    const result = (await runModel(builder.model({ score }), feeds)).get("score") as Tensor;
    expect(result.dims).toEqual([images, ...pixels]);
    (result.data as Float32Array).forEach((value, at) => {
      const start = Math.floor(at / area) * classes * area + (at % area);
      const f = Array.from({ length: classes }, (_, label) => data[start + label * area] as number);
      expect(Math.abs(value / expected(f, options) - 1)).toBeLessThan(1e-5);
    });
  });
});

test.each([
  [{ gamma: 0, largest: 1 }, "gen score: expected a gamma between 0 and 1, got 0"],
  [{ gamma: 1, largest: 1 }, "gen score: expected a gamma between 0 and 1, got 1"],
  [{ gamma: Number.NaN, largest: 1 }, "gen score: expected a gamma between 0 and 1, got NaN"],
  [{ gamma: 0.1, largest: 0 }, "gen score: expected largest to be a whole number ≥ 1, got 0"],
  [{ gamma: 0.1, largest: 2.5 }, "gen score: expected largest to be a whole number ≥ 1, got 2.5"],
])("%j is refused", (options, sentence) => {
  expect(() => genScore.check?.(options)).toThrow(OptionError);
  expect(() => genScore.check?.(options)).toThrow(sentence);
});
