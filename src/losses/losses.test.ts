// Numbers by test/reference/losses.py (PyTorch, float64). One test body for every loss and option.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { gradients } from "../graph/differentiate.js";
import { encodeModel } from "../onnx/index.js";
import { add, type Expr, mul, tensorOf } from "../ops/index.js";
import { LocalEngine } from "../runtime/index.js";
import { crossEntropy, type LossDefinition, type LossName, losses } from "./index.js";

interface Case {
  loss: LossName;
  weight: number;
  options: Record<string, number | string | boolean>;
  logits: number[][];
  labels: number[];
  outlierLogits: number[][];
  prior: number[];
  crossEntropy: number;
  regularizer: number;
  total: number;
  logitsGradient: number[][];
  outlierGradient: number[][];
}

const { cases } = JSON.parse(readFileSync(new URL("../../test/reference/losses.json", import.meta.url), "utf8")) as {
  cases: Case[];
};

const rows = (values: number[][]) =>
  tensorOf(values.flat(), "float32", [values.length, (values[0] as number[]).length]);

async function computeLoss(c: Case) {
  const graph = new GraphBuilder();
  const [f, g] = [rows(c.logits), rows(c.outlierLogits)];
  const logits = graph.input("logits", "float32", f.dims);
  const outlierLogits = graph.input("outliers", "float32", g.dims);
  const labels = graph.input("labels", "int64", [c.labels.length]);
  const definition = losses[c.loss] as LossDefinition<object>;
  const fit = crossEntropy(logits, labels);
  const regularizer = definition.expression(
    { logits, outlierLogits, prior: graph.constant(tensorOf(c.prior)) },
    c.options,
  );
  const total = add(fit, mul(regularizer, c.weight));
  const [dIn, dOut] = gradients(graph, total, [logits, outlierLogits]) as [Expr, Expr];
  const outputs = { fit, regularizer, total, dIn, dOut };
  const session = await new LocalEngine().load(encodeModel(graph.model(outputs)));
  const result = await session.run({
    ...Object.fromEntries(
      Object.entries({ logits: f, outliers: g }).filter(([name]) => session.inputs.some((x) => x.name === name)),
    ),
    labels: tensorOf(c.labels, "int64"),
  });
  await session.release();
  const read = (name: keyof typeof outputs) => Array.from(result[name]?.data as Float32Array);
  return {
    fit: read("fit")[0],
    regularizer: read("regularizer")[0],
    total: read("total")[0],
    dIn: read("dIn"),
    dOut: read("dOut"),
  };
}

/** Float32 carries 7 digits; sums over a few rows lose one of them. */
function expectClose(actual: number | undefined, expected: number): void {
  expect(Math.abs((actual ?? Number.NaN) - expected)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(expected)));
}

describe("value and gradient equal PyTorch's", () => {
  test.each(cases.map((c, index) => [`${index} ${c.loss} ${JSON.stringify(c.options)}`, c] as const))(
    "%s",
    async (_, c) => {
      const result = await computeLoss(c);
      expectClose(result.fit, c.crossEntropy);
      expectClose(result.regularizer, c.regularizer);
      expectClose(result.total, c.total);
      const [dIn, dOut] = [c.logitsGradient.flat(), c.outlierGradient.flat()];
      result.dIn.forEach((value, index) => {
        expectClose(value, dIn[index] as number);
      });
      result.dOut.forEach((value, index) => {
        expectClose(value, dOut[index] as number);
      });
    },
  );
});

test("with alpha and gamma 0 nothing is left of the balancing: the loss is the plain energy loss, to the bit", async () => {
  const base = cases.find((c) => c.loss === "energy") as Case;
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
  const at = (row: number[]) => computeLoss({ ...base, outlierLogits: [row] });
  const [majority, minority] = await Promise.all([at([6, 0, 0]), at([0, 0, 6])]);
  expect(majority.regularizer).toBeGreaterThan(minority.regularizer as number);
});
