import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runModel } from "../../../test/gradients/run-model.js";
import { GraphBuilder } from "../../graph/builder.js";
import { type Expr, tensorOf } from "../../ops/index.js";
import { type Fitted, type ScoreDefinition, type ScoreName, scores } from "../index.js";
import { digamma, digammaRest, halfLogTwoPi, logGamma, logGammaRest } from "./gamma-functions.js";
import {
  abstention,
  blurredEnergy,
  denseHybrid,
  differentialEntropy,
  mutualInformation,
  outlierProbability,
} from "./index.js";

// Made by test/reference/pixel-losses.py from PyTorch in float64.
const reference = JSON.parse(
  readFileSync(new URL("../../../test/reference/pixel-losses.json", import.meta.url), "utf8"),
) as {
  readonly classes: number;
  readonly dims: readonly [number, number, number];
  readonly logits: readonly number[];
  readonly head: readonly number[];
  readonly samples: readonly [readonly number[], ...(readonly number[])[]];
  readonly maxLogits: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly scores: Readonly<Record<string, readonly number[]>>;
  readonly gamma: {
    readonly logArguments: readonly number[];
    readonly lgamma: readonly number[];
    readonly digamma: readonly number[];
  };
};
const { classes } = reference;
const [images, ...size] = reference.dims;
const channels = (count: number) => [images, count, ...size];
const [knownLogits] = reference.samples;

async function evaluate(
  expression: (...inputs: Expr[]) => Expr,
  ...inputs: readonly (readonly [readonly number[], readonly number[]])[]
) {
  const graph = new GraphBuilder();
  const tensors = inputs.map(([values, dims]) => tensorOf(values, "float32", dims));
  const result = expression(...tensors.map(({ dtype, dims }, index) => graph.input(`input ${index}`, dtype, dims)));
  const feeds = Object.fromEntries(tensors.map((tensor, index) => [`input ${index}`, tensor]));
  const output = (await runModel(graph.model({ result }), feeds)).get("result");
  expect(output?.dims).toEqual(result.dims);
  return { dims: output?.dims, values: Array.from(output?.data as Float32Array) };
}

/** Absolute, for scores of the size 1 to 20, relative beyond. */
function expectClose(values: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(values).toHaveLength(expected.length);
  const errors = values.map((value, index) => {
    const wanted = expected[index] as number;
    return Math.abs(value - wanted) / Math.max(1, Math.abs(wanted));
  });
  expect(Math.max(...errors)).toBeLessThanOrEqual(tolerance);
}

const fitted: Partial<Record<ScoreName, Fitted>> = {
  "temperature-scaling": { temperature: tensorOf(2.5, "float64") },
  sml: { mean: tensorOf(reference.maxLogits.mean, "float64"), std: tensorOf(reference.maxLogits.std, "float64") },
};

test.each(["msp", "max-logit", "energy", "entropy", "gen", "temperature-scaling", "sml"] as const)(
  "%s gives each pixel what PyTorch gives it",
  async (name) => {
    const definition: ScoreDefinition = scores[name];
    const options = { ...definition.defaults, ...(name === "gen" ? { largest: 3 } : {}) };
    const score = (logits: Expr) => definition.expression({ logits }, options, fitted[name] ?? {});
    const { dims, values } = await evaluate(score, [knownLogits, channels(classes)]);
    expect(dims).toEqual([images, ...size]);
    expectClose(values, reference.scores[name] as number[], 1e-6);
  },
);

const outputs = [reference.logits, channels(classes + 1)] as const;
const known = [knownLogits, channels(classes)] as const;
const head = [reference.head, channels(2)] as const;

test.each([
  ["abstention", (logits: Expr) => abstention(logits, classes), [outputs], 1e-6],
  ["outlier-head", outlierProbability, [head], 1e-6],
  ["dense-hybrid", denseHybrid, [known, head], 1e-6],
  ["blurred-energy", blurredEnergy, [known], 1e-6],
  ["differential-entropy", differentialEntropy, [known], 2e-6],
  // A difference of two entropies of up to log 5.
  [
    "mutual-information",
    (...samples: Expr[]) => mutualInformation(samples),
    reference.samples.map((values) => [values, channels(classes)] as const),
    1e-6,
  ],
] as const)("%s gives each pixel what PyTorch gives it", async (name, score, inputs, tolerance) => {
  const { dims, values } = await evaluate(score as (...inputs: Expr[]) => Expr, ...inputs);
  expect(dims).toEqual([images, ...size]);
  expectClose(values, reference.scores[name] as number[], tolerance);
});

test("networks that agree have no mutual information, and one alone has none", async () => {
  const same = await evaluate((logits) => mutualInformation([logits, logits, logits]), known);
  const alone = await evaluate((logits) => mutualInformation([logits]), known);
  for (const { values } of [same, alone])
    expectClose(
      values,
      values.map(() => 0),
      1e-6,
    );
});

test("a probability of 0 leaves the mutual information finite", async () => {
  const sure = (chosen: number) => [[0, 1, 2].map((c) => (c === chosen ? 400 : 0)), [1, 3, 1, 1]] as const;
  const { values } = await evaluate((...samples) => mutualInformation(samples), sure(0), sure(1));
  expectClose(values, [Math.log(2)], 1e-6);
});

test("the Dirichlet distribution of equal concentrations 1 is flat, and any sharper one has less differential entropy", async () => {
  const rows = [
    [0, 0, 0, 0, 0],
    [5, 5, 5, 5, 5],
    [8, 0, 0, 0, 0],
    [80, 3, 2, 1, -40],
  ];
  const { values } = await evaluate(differentialEntropy, [rows.flat(), [rows.length, 5]]);
  expect(values[0]).toBeCloseTo(-Math.log(24), 5);
  for (const value of values.slice(1)) expect(value).toBeLessThan(values[0] as number);
});

test("ln Γ and ψ of numbers equal PyTorch's", () => {
  const { logArguments, lgamma, digamma: expected } = reference.gamma;
  const error = (value: number, wanted: number) => Math.abs(value - wanted) / Math.max(1, Math.abs(wanted));
  logArguments.forEach((logA, index) => {
    const a = Math.exp(logA);
    expect(error(logGamma(a), lgamma[index] as number)).toBeLessThan(1e-12);
    expect(error(digamma(a), expected[index] as number)).toBeLessThan(1e-12);
  });
});

test("what Stirling's formula leaves is right on both sides of 4, where the series takes over, and for concentrations that are 0 in float32", async () => {
  const { logArguments, lgamma, digamma: slopes } = reference.gamma;
  const dims = [logArguments.length];
  const [ofLogGamma, ofDigamma] = await Promise.all(
    [logGammaRest, digammaRest].map((rest) => evaluate(rest, [logArguments, dims])),
  );
  logArguments.forEach((logA, index) => {
    const a = Math.exp(logA);
    // Beyond, float64 has too few digits to subtract Stirling's formula.
    if (a > 1e6) return;
    const stirling = (a - 0.5) * logA - a + halfLogTwoPi;
    const [rest, scaled] = [(lgamma[index] as number) - stirling, a * ((slopes[index] as number) - logA)];
    expect(Math.abs((ofLogGamma?.values[index] as number) - rest)).toBeLessThan(2e-6 * Math.max(1, Math.abs(rest)));
    expect(Math.abs((ofDigamma?.values[index] as number) - scaled)).toBeLessThan(1e-6);
  });
  const extremes = await Promise.all([logGammaRest, digammaRest].map((rest) => evaluate(rest, [[-500, 88], [2]])));
  expectClose(extremes[0]?.values as number[], [250 - halfLogTwoPi, 0], 1e-6);
  expectClose(extremes[1]?.values as number[], [-1, -0.5], 1e-6);
});
