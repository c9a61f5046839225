// Narrow versions of every network against PyTorch in float64: what they compute, and what a training step through them computes.
// Numbers by test/reference/nn.py.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runModel } from "../../test/gradients/run-model.js";
import { narrowModels, spread, testImages, told } from "../../test/reference/nn-models.js";
import { gradients } from "../graph/differentiate.js";
import { importGraph } from "../graph/import.js";
import { findParameters, GraphBuilder } from "../graph/index.js";
import type { Model, Tensor } from "../onnx/index.js";
import { add, type Expr, logSoftmax, mean, mul, neg, reshape, sum, tensorOf } from "../ops/index.js";

/** Norm, and a weighted sum. */
type Summary = readonly [number, number];

interface Reference {
  readonly outputs: Readonly<Record<string, { readonly step: number; readonly values: readonly number[] }>>;
  readonly loss?: number;
  /** By the names of the parameters, in their order. */
  readonly gradients?: readonly Summary[];
  /** Relative difference of the worst gradient between PyTorch's own float32 and float64. */
  readonly rounding?: number;
  readonly statistics?: Readonly<Record<"running_mean" | "running_var", Summary>>;
}

const file = new URL("../../test/reference/nn.json", import.meta.url);
const stored = JSON.parse(readFileSync(file, "utf8")) as { images: number; narrow: Record<string, Reference> };
const labelledClasses = 7;

function imagesFor({ graph }: Model): Tensor {
  const [, ...shape] = graph.inputs[0]?.dims ?? [];
  return testImages(stored.images, shape as number[]);
}

describe.each(Object.entries(stored.narrow))("%s", (name, reference) => {
  const model = told((narrowModels[name] as () => Model)());

  test("every output equals PyTorch's", async () => {
    const results = await runModel(model, { image: imagesFor(model) });
    expect([...results.keys()]).toEqual(Object.keys(reference.outputs));
    for (const [output, { step, values }] of Object.entries(reference.outputs)) {
      const found = (results.get(output) as Tensor).data as Float32Array;
      const largest = Math.max(...values.map(Math.abs));
      const gaps = values.map((value, index) => Math.abs((found[index * step] as number) - value) / largest);
      expect(Math.ceil(found.length / step)).toBe(values.length);
      expect(Math.max(...gaps), output).toBeLessThan(1e-5);
    }
  });

  test.runIf(reference.loss !== undefined)(
    "loss, gradient of every parameter and running statistics of a training step equal PyTorch's",
    async () => {
      const { loss, gradient, statistics } = await trainingStep(model);
      expect(Math.abs(loss / (reference.loss as number) - 1)).toBeLessThan(1e-5);
      const named = [...gradient].sort(([a], [b]) => (a < b ? -1 : 1));
      const total = Math.hypot(...named.map(([, value]) => summary(value)[0]));
      // Batch normalization over three numbers, behind a global mean, loses digits in any float32.
      const relative = Math.min(3e-3, Math.max(1e-4, 3 * (reference.rounding as number)));
      expect(named.length).toBe(reference.gradients?.length);
      named.forEach(([parameter, value], index) => {
        const slack = 1e-7 * total;
        expectSummary(summary(value), reference.gradients?.[index] as Summary, { relative, slack, what: parameter });
      });
      for (const kind of ["running_mean", "running_var"] as const) {
        const values = [...statistics].filter(([key]) => key.endsWith(kind)).sort(([a], [b]) => (a < b ? -1 : 1));
        const all = Float32Array.from(values.flatMap(([, data]) => [...data]));
        const tolerance = { relative: 1e-5, slack: 0, what: kind };
        expectSummary(summary(all), reference.statistics?.[kind] as Summary, tolerance);
      }
    },
  );
});

interface Tolerance {
  readonly relative: number;
  /** Absolute, for gradients that are 0 but for rounding, such as that of a bias in front of a normalization. */
  readonly slack: number;
  readonly what: string;
}

function expectSummary(found: Summary, wanted: Summary, { relative, slack, what }: Tolerance): void {
  const tolerance = relative * wanted[0] + slack;
  expect(Math.abs(found[0] - wanted[0]), `norm for ${what}`).toBeLessThanOrEqual(tolerance);
  expect(Math.abs(found[1] - wanted[1]), `sum for ${what}`).toBeLessThanOrEqual(tolerance);
}

function summary(values: Float32Array): Summary {
  let [squares, weighted] = [0, 0];
  values.forEach((value, index) => {
    squares += value * value;
    weighted += value * spread(index);
  });
  return [Math.sqrt(squares), weighted];
}

/** Cross entropy and a weighted mean of every other output, with the statistics of the batch, over all parameters. */
async function trainingStep(model: Model) {
  const images = imagesFor(model);
  const graph = new GraphBuilder(model.opset);
  const feeds: Record<string, Tensor> = { image: images };
  const input = (name: string, tensor: Tensor) => {
    feeds[name] = tensor;
    return graph.input(name, "float32", tensor.dims);
  };
  const bound = new Map<string, Expr>([["image", graph.input("image", "float32", images.dims)]]);
  const parameters = findParameters(model.graph);
  for (const { name, tensor } of parameters) bound.set(name, input(name, tensor));
  for (const [name, tensor] of model.graph.initializers) {
    if (name.includes("running_")) bound.set(name, input(name, tensor));
  }
  const names = model.graph.outputs.map((output) => output.name);
  const imported = importGraph(graph, model.graph, { bound, outputs: names, batchStatistics: () => true });
  const [logits, ...others] = names.map((name) => imported.values.get(name) as Expr) as [Expr, ...Expr[]];
  const loss = others.reduce((sofar, value) => add(sofar, weightedMean(value)), crossEntropy(logits));
  const slopes = gradients(
    graph,
    loss,
    parameters.map(({ name }) => bound.get(name) as Expr),
  );
  const outputs: Record<string, Expr> = { loss };
  parameters.forEach(({ name }, index) => {
    outputs[`${name}/gradient`] = slopes[index] as Expr;
  });
  const moved = imported.statistics.flatMap(({ updates }) => [...updates]);
  for (const [name, value] of moved) outputs[`${name}/next`] = value;
  const results = await runModel(graph.model(outputs), feeds);
  const data = (key: string) => (results.get(key) as Tensor).data as Float32Array;
  return {
    loss: data("loss")[0] as number,
    gradient: new Map(parameters.map(({ name }) => [name, data(`${name}/gradient`)])),
    statistics: new Map(moved.map(([name]) => [name, data(`${name}/next`)])),
  };
}

/** Position i, in rows of images, has the class 31·i modulo 7. */
function crossEntropy(logits: Expr): Expr {
  const dims = logits.dims as number[];
  const [rows, outputs] = dims as [number, number];
  const positions = dims.slice(2).reduce((product, size) => product * size, 1);
  const target = new Float32Array(rows * outputs * positions);
  for (let at = 0; at < rows * positions; at++) {
    const row = Math.floor(at / positions);
    target[(row * outputs + ((at * 31) % labelledClasses)) * positions + (at % positions)] = 1;
  }
  const oneHot = logits.builder.constant({ dtype: "float32", dims, data: target });
  return neg(mean(sum(mul(logSoftmax(logits), oneHot), { axes: [1] })));
}

function weightedMean(value: Expr): Expr {
  const count = (value.dims as number[]).reduce((product, size) => product * size, 1);
  const weights = value.builder.constant(tensorOf(Array.from({ length: count }, (_, index) => spread(index))));
  return mean(mul(reshape(value, [count]), weights));
}
