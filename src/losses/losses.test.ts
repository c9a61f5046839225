// Numbers by test/reference/losses.py (PyTorch, float64). One test body for every loss and option.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { differentiatedInputs, type LossFeeds, lossGraph } from "../../test/loss-graph.js";
import { UnsupportedError } from "../errors.js";
import { encodeModel } from "../onnx/index.js";
import { tensorOf } from "../ops/index.js";
import { LocalEngine } from "../runtime/index.js";
import { type LossDefinition, type LossName, losses } from "./index.js";

type Rows = Partial<Record<(typeof differentiatedInputs)[number], number[][]>>;

interface Case {
  loss: LossName;
  weight: number;
  options: Record<string, number | string | boolean>;
  labels: number[];
  prior: number[];
  classCounts: number[];
  outlierLabels?: number[];
  pastedLabels?: number[];
  inputs: Rows & { logits: number[][]; outlierLogits: number[][] };
  crossEntropy: number;
  regularizer: number;
  total: number;
  gradients: Rows;
}

const { cases } = JSON.parse(readFileSync(new URL("../../test/reference/losses.json", import.meta.url), "utf8")) as {
  cases: Case[];
};

const caseOf = (loss: LossName) => cases.find((c) => c.loss === loss) as Case;

const rows = (values: number[][]) =>
  tensorOf(values.flat(), "float32", [values.length, (values[0] as number[]).length]);

async function computeLoss(c: Case) {
  const matrices = Object.entries(c.inputs).map(([name, values]) => [name, rows(values)] as const);
  const classes = { labels: c.labels, outlierLabels: c.outlierLabels, pastedLabels: c.pastedLabels };
  const vectors = Object.entries(classes).flatMap(([name, values]) =>
    values === undefined ? [] : [[name, tensorOf(values, "int64")] as const],
  );
  const feeds = Object.fromEntries([...matrices, ...vectors]) as LossFeeds;
  const definition = losses[c.loss] as LossDefinition<object>;
  const session = await new LocalEngine().load(encodeModel(lossGraph({ ...c, definition }, feeds)));
  // An input that a loss does not use is not left in its graph.
  const used = session.inputs.map(({ name }) => [name, feeds[name as keyof LossFeeds]] as const);
  const result = await session.run(Object.fromEntries(used) as LossFeeds);
  await session.release();
  const read = (name: string) => Array.from(result[name]?.data as Float32Array);
  return {
    fit: read("fit")[0],
    regularizer: read("regularizer")[0] as number,
    total: read("total")[0],
    gradients: Object.fromEntries(matrices.map(([name]) => [name, read(`d ${name}`)])),
  };
}

/** Float32 carries 7 digits; sums over a few rows lose one of them. `scale`: the largest of the numbers that belong together. */
function expectClose(actual: number | undefined, expected: number, scale = Math.max(1, Math.abs(expected))): void {
  expect(Math.abs((actual ?? Number.NaN) - expected)).toBeLessThanOrEqual(1e-6 * scale);
}

describe("value and gradient equal PyTorch's", () => {
  test.each(cases.map((c, index) => [`${index} ${c.loss} ${JSON.stringify(c.options)}`, c] as const))(
    "%s",
    async (_, c) => {
      const result = await computeLoss(c);
      expectClose(result.fit, c.crossEntropy);
      expectClose(result.regularizer, c.regularizer, Math.abs(c.regularizer));
      expectClose(result.total, c.total);
      for (const name of differentiatedInputs) {
        const expected = c.gradients[name]?.flat() ?? [];
        const largest = Math.max(...expected.map(Math.abs));
        expect(result.gradients[name] ?? []).toHaveLength(expected.length);
        result.gradients[name]?.forEach((value, index) => {
          expectClose(value, expected[index] as number, largest);
        });
      }
    },
  );
});

test("with alpha and gamma 0 nothing is left of the balancing: the loss is the plain energy loss, to the bit", async () => {
  const base = caseOf("energy");
  const plain = await computeLoss(base);
  const balanced = await computeLoss({
    ...base,
    loss: "balanced-energy",
    options: { ...base.options, alpha: 0, gamma: 0, gammaWeight: 0, normalization: "sum", detachZ: false },
  });
  expect(balanced.total).toBeCloseTo(plain.total as number, 5);
});

test("an outlier of a majority class is asked for a higher energy than one of a minority class", async () => {
  const base = cases[0] as Case;
  const at = (row: number[]) => computeLoss({ ...base, inputs: { ...base.inputs, outlierLogits: [row] } });
  const [majority, minority] = await Promise.all([at([6, 0, 0]), at([0, 0, 6])]);
  expect(majority.regularizer).toBeGreaterThan(minority.regularizer);
});

test("open-sampling gives an outlier a rare class more often, by the authors' rule", () => {
  const chances = losses["open-sampling"].outlierLabels?.([500, 30, 2], {}) as number[];
  // Γ = (502 - β)/532: 2, 472 and 500 of 974.
  expect(chances.map((chance) => chance * 974)).toEqual([2, 472, 500].map((value) => expect.closeTo(value, 9)));
});

test("a batch without rare classes has neither contrast nor prototypes, and no NaN in their gradients", async () => {
  for (const [loss, weights, trained] of [
    ["pascl", { outlierWeight: 0 }, "projections"],
    ["cocl", { outlierWeight: 0, headWeight: 0 }, "prototypes"],
  ] as const) {
    const base = caseOf(loss);
    const result = await computeLoss({
      ...base,
      labels: base.labels.map(() => 2),
      options: { ...base.options, ...weights },
    });
    expect(result.regularizer).toBe(0);
    expect(result.gradients[trained]?.every((value) => value === 0)).toBe(true);
  }
});

test("a row of a rare class alone in a batch has nothing to attract it, and adds nothing", async () => {
  const base = caseOf("pascl");
  const labels = base.labels.map((_, index) => (index === 3 ? 1 : 2));
  const result = await computeLoss({ ...base, labels, options: { ...base.options, outlierWeight: 0 } });
  expect(result.regularizer).toBe(0);
  expect(result.gradients.projections?.every((value) => value === 0)).toBe(true);
});

test("rows of frequent classes and their projections are no part of PASCL's contrast", async () => {
  const base = caseOf("pascl");
  const contrast = (projections: number[][]) =>
    computeLoss({ ...base, inputs: { ...base.inputs, projections }, options: { ...base.options, outlierWeight: 0 } });
  const given = base.inputs.projections as number[][];
  const turned = given.map((row, index) => ([1, 3].includes(base.labels[index] as number) ? row : row.map((x) => -x)));
  const [first, second] = await Promise.all([contrast(given), contrast(turned)]);
  expect(second.regularizer).toBe(first.regularizer);
});

test("outliers that look alike leave COCL's distances finite", async () => {
  const base = caseOf("cocl");
  const outlierFeatures = (base.inputs.outlierFeatures as number[][]).map(() => [0, 0, 0, 0, 0, 0]);
  const result = await computeLoss({ ...base, inputs: { ...base.inputs, outlierFeatures } });
  expect(result.regularizer).toBeGreaterThan(0);
  expect(Object.values(result.gradients).flat().every(Number.isFinite)).toBe(true);
});

test("an outlier that an abstention class already claims costs EAT little, and pulls no other abstention class up", async () => {
  const base = cases.find((c) => c.loss === "eat" && c.options.abstentionClasses === 3) as Case;
  const at = (row: number[]) =>
    computeLoss({
      ...base,
      inputs: { ...base.inputs, outlierLogits: [row] },
      options: { ...base.options, pasteWeight: 0 },
    });
  const [claimed, unclaimed] = await Promise.all([at([0, 0, 0, 0, 0, 9, 1, 0]), at([9, 0, 0, 0, 0, 0, 1, 0])]);
  expect(claimed.regularizer).toBeLessThan(unclaimed.regularizer / 100);
  const slopes = unclaimed.gradients.outlierLogits as number[];
  expect(slopes.map((slope) => slope < 0)).toEqual([false, false, false, false, false, false, true, false]);
});

test("OECC asks for no more confidence than the accuracy, and for none on outliers", async () => {
  const base = caseOf("oecc");
  const at = (logit: number) =>
    computeLoss({
      ...base,
      labels: [0],
      inputs: { logits: [[logit, 0, 0, 0, 0]], outlierLogits: [[1, 1, 1, 1, 1]] },
      options: { ...base.options, trainingAccuracy: 0.8 },
    });
  // softmax = 0.8 for a logit of log(16).
  const [under, exact, over] = await Promise.all([at(1), at(Math.log(16)), at(20)]);
  expect(exact.regularizer).toBeCloseTo(0, 10);
  expect(under.regularizer).toBeGreaterThan(0.001);
  expect(over.regularizer).toBeCloseTo(0.07 * 0.04, 6);
});

test.each([
  ["pascl", "projections"],
  ["open-sampling", "outlierLabels"],
  ["eat", "pastedLogits"],
  ["cocl", "features"],
  ["cocl", "prototypes"],
] as const)("%s without %s says what it needs", async (loss, name) => {
  const base = caseOf(loss);
  const { [name as "features"]: _, ...inputs } = base.inputs;
  const without = { ...base, ...(name === "outlierLabels" ? { outlierLabels: undefined } : {}), inputs };
  await expect(computeLoss(without as Case)).rejects.toThrow(UnsupportedError);
});
