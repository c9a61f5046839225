// Numbers by test/reference/flow.py (PyTorch, float64).
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGenerator, normal } from "../../../data/index.js";
import { CancelledError, DataError, RunError } from "../../../errors.js";
import { GraphBuilder } from "../../../graph/builder.js";
import { gradients } from "../../../graph/differentiate.js";
import { encodeModel } from "../../../onnx/index.js";
import type { Tensor } from "../../../onnx/types.js";
import { type Expr, mean } from "../../../ops/index.js";
import { LocalEngine } from "../../../runtime/index.js";
import { type DensityOptions, LayerFlows, type LayerRows } from "./layer-flows.js";
import {
  asFlow,
  type Flow,
  flowForward,
  flowInverse,
  flowTensors,
  negativeLogDensity,
  startingFlow,
} from "./real-nvp.js";
import { trainFlow } from "./train-flow.js";
import { fitWhitening } from "./whitening.js";

type Stored = { readonly dims: readonly number[]; readonly data: readonly number[] };
const reference = JSON.parse(
  readFileSync(new URL("../../../../test/reference/flow.json", import.meta.url), "utf8"),
) as {
  readonly flow: Flow<Stored>;
  readonly rows: readonly number[];
  readonly z: readonly number[];
  readonly log_determinant: readonly number[];
  readonly negative_log_density: readonly number[];
  readonly row_gradient: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
};
const dimension = 3;
const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

const float32 = (dims: readonly number[], data: ArrayLike<number>) =>
  ({ dtype: "float32", dims, data: Float32Array.from(data) }) as const;

/** Runs what `build` makes of the rows and of the flow's tensors, which are inputs of the graph. */
async function run(
  flow: Flow<Tensor>,
  rows: ArrayLike<number>,
  build: (graph: GraphBuilder, x: Expr, flow: Flow<Expr>) => Record<string, Expr>,
): Promise<Record<string, Float32Array>> {
  const graph = new GraphBuilder();
  const d = flow.mask.dims[1] as number;
  const x = graph.input("x", "float32", [rows.length / d, d]);
  const feeds: Record<string, Tensor> = { x: float32([rows.length / d, d], rows) };
  const inputs = asFlow((name) => {
    feeds[name] = { ...flow[name], data: flow[name].data.slice() as Float32Array };
    return graph.input(name, "float32", flow[name].dims);
  });
  const session = await engine.load(encodeModel(graph.model(build(graph, x, inputs))));
  const wanted = new Set(session.inputs.map(({ name }) => name));
  const found = await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name))));
  await session.release();
  return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]));
}

const storedFlow = () => asFlow((name) => float32(reference.flow[name].dims, reference.flow[name].data));

function expectClose(found: ArrayLike<number> | undefined, expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  const worst = expected.reduce((most, value, at) => Math.max(most, Math.abs(value - (found?.[at] ?? Number.NaN))), 0);
  expect(worst / scale).toBeLessThan(1e-5);
}

describe("a flow equals PyTorch's", () => {
  test("in where it takes points, in its log-determinant, and in the density", async () => {
    const found = await run(storedFlow(), reference.rows, (_, x, flow) => ({
      ...flowForward(x, flow),
      density: negativeLogDensity(x, flow),
    }));
    expectClose(found.z, reference.z);
    expectClose(found.logDeterminant, reference.log_determinant);
    expectClose(found.density, reference.negative_log_density);
  });

  test("in the gradient of every parameter and of the points", async () => {
    const names = flowTensors.filter((name) => name !== "mask");
    const found = await run(storedFlow(), reference.rows, (graph, x, flow) => {
      const slopes = gradients(graph, mean(negativeLogDensity(x, flow)), [x, ...names.map((name) => flow[name])]);
      return Object.fromEntries(["x", ...names].map((name, at) => [`${name} gradient`, slopes[at] as Expr]));
    });
    expectClose(found["x gradient"], reference.row_gradient);
    for (const name of names) expectClose(found[`${name} gradient`], reference.gradients[name] as readonly number[]);
  });
});

test("the inverse brings points back to where they came from", async () => {
  const there = await run(storedFlow(), reference.rows, (_, x, flow) => ({ z: flowForward(x, flow).z }));
  const back = await run(storedFlow(), there.z as Float32Array, (_, z, flow) => ({ back: flowInverse(z, flow) }));
  expectClose(back.back, reference.rows);
});

test("every pair of couplings changes all numbers, and the flow starts as the identity", async () => {
  const start = startingFlow({ dimension, couplings: 4, hidden: 5 }, 7);
  const mask = (coupling: number) =>
    Array.from(start.mask.data as Float32Array).slice(coupling * dimension, (coupling + 1) * dimension);
  for (const coupling of [0, 2]) {
    const [even, odd] = [mask(coupling), mask(coupling + 1)];
    expect(even.map((kept, axis) => kept + (odd[axis] as number))).toEqual([1, 1, 1]);
    expect(even).not.toEqual(odd);
  }
  const { z, logDeterminant } = await run(start, reference.rows, (_, x, flow) => flowForward(x, flow));
  expect(z).toEqual(Float32Array.from(reference.rows));
  expect(logDeterminant).toEqual(new Float32Array(reference.rows.length / dimension));
});

/** Two half circles with noise: nothing that one Gaussian could describe. */
function moons(count: number, seed: number): Float32Array {
  const generator = createGenerator(seed);
  const points = Array.from({ length: count }, () => {
    const [angle, upper] = [Math.PI * generator.uniform(), generator.uniform() < 0.5];
    const [x, y] = upper ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
    return [x, y].map((value) => value + 0.1 * normal(generator));
  });
  return Float32Array.from(points.flat());
}

const options: DensityOptions = {
  dimensions: 2,
  couplings: 6,
  hidden: 24,
  steps: 600,
  batch: 256,
  rate: 2e-3,
  seed: 1,
};
const layer = (known: Float32Array, d = 2): LayerRows => ({
  ...{ tensor: "features", dimension: d, known, outliers: new Float32Array(0) },
});
const flowsOf = (...layers: LayerRows[]) => new LayerFlows(engine, layers, {});

describe("a flow trained on two half circles", () => {
  const [known, unseen] = [moons(4000, 1), moons(2000, 2)];
  const flows = flowsOf(layer(known));
  let density: Awaited<ReturnType<typeof flows.density>>;
  beforeAll(async () => {
    density = await flows.density(layer(known), options, "flow-density");
  }, 120_000);
  const average = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const scoresOf = (rows: Float32Array, own = density) => flows.scores(rows, layer(known), own, "flow-density");

  test("finds unseen points likelier than the Gaussian of the same mean and covariance does, from which it starts", async () => {
    const start = { ...density, flow: startingFlow({ dimension: 2, couplings: 6, hidden: 24 }, 1) };
    const [before, after] = [average(await scoresOf(unseen, start)), average(await scoresOf(unseen))];
    // The Gaussian by its formula: ½ log det 2πΣ plus half the mean squared Mahalanobis distance.
    expect(Math.abs(before - gaussianScore(known, unseen))).toBeLessThan(1e-4);
    expect(after).toBeLessThan(before - 0.5);
  });

  test("integrates to 1 over the plane", async () => {
    const [step, cells] = [0.02, 300];
    const grid = new Float32Array(2 * cells * cells);
    for (let at = 0; at < cells * cells; at++) {
      grid[2 * at] = 0.5 + step * ((at % cells) - cells / 2);
      grid[2 * at + 1] = 0.25 + step * (Math.floor(at / cells) - cells / 2);
    }
    const total = (await scoresOf(grid)).reduce((sum, value) => sum + Math.exp(-value) * step ** 2, 0);
    expect(Math.abs(total - 1)).toBeLessThan(0.01);
  });

  test("scores points between the circles higher than points on them", async () => {
    const [between, on] = await scoresOf(Float32Array.of(0.5, 0.25, 0, 1));
    expect(between).toBeGreaterThan((on as number) + 1);
  });

  test("comes out the same again from the same seed, and differently from another", async () => {
    const short = { ...options, steps: 20 };
    const trained = (seed: number) => flowsOf(layer(known)).density(layer(known), { ...short, seed }, "flow-density");
    const [first, again, other] = [await trained(1), await trained(1), await trained(2)];
    expect(again).toEqual(first);
    expect(other.flow).not.toEqual(first.flow);
  });

  test("is trained once for all scores that want it", () => {
    expect(flows.density(layer(known), { ...options }, "flow-density-min")).toBe(
      flows.density(layer(known), options, "flow-density"),
    );
  });
});

/** Mean of -log density of the rows under the Gaussian of `known`, for two columns. */
function gaussianScore(known: Float32Array, rows: Float32Array): number {
  const count = known.length / 2;
  const column = (data: Float32Array, axis: number) => data.filter((_, at) => at % 2 === axis);
  const means = [0, 1].map((axis) => column(known, axis).reduce((sum, value) => sum + value, 0) / count);
  const covariance = (i: number, j: number) =>
    column(known, i).reduce(
      (sum, value, at) => sum + (value - (means[i] ?? 0)) * ((known[2 * at + j] as number) - (means[j] ?? 0)),
      0,
    ) / count;
  const [a, b, c] = [covariance(0, 0), covariance(0, 1), covariance(1, 1)];
  const determinant = a * c - b * b;
  let total = 0;
  for (let at = 0; at < rows.length; at += 2) {
    const [x, y] = [(rows[at] as number) - (means[0] ?? 0), (rows[at + 1] as number) - (means[1] ?? 0)];
    total += (c * x * x - 2 * b * x * y + a * y * y) / determinant;
  }
  return (0.5 * total) / (rows.length / 2) + Math.log(2 * Math.PI) + 0.5 * Math.log(determinant);
}

describe("features that cannot be whitened as they are", () => {
  test("channels that never vary, and copies of others, are left out", async () => {
    const generator = createGenerator(4);
    const drawn = Array.from({ length: 500 }, () => [normal(generator), 3 * normal(generator)]);
    const rows = Float32Array.from(drawn.flatMap((row) => row.flatMap((value) => [value, 2 * value, 7])));
    const { axes, logVolume } = await fitWhitening(engine, rows, 6, { most: 32, score: "flow-density" });
    expect(axes.dims).toEqual([6, 2]);
    expect(Number.isFinite(logVolume.data[0])).toBe(true);
  });

  test("only the directions of the largest variance are kept where there are more than asked for", async () => {
    const generator = createGenerator(4);
    const drawn = Array.from({ length: 2000 }, () => [0.1, 5, 1].map((scale) => scale * normal(generator)));
    const rows = Float32Array.from(drawn.flat());
    const { axes } = await fitWhitening(engine, rows, 3, { most: 1, score: "flow-density" });
    expect(axes.dims).toEqual([3, 1]);
    const [first, second, third] = Array.from(axes.data as Float64Array, Math.abs) as [number, number, number];
    expect(Math.abs(second - 1 / 5)).toBeLessThan(0.01);
    expect(Math.max(first, third)).toBeLessThan(0.01);
  });

  test.each([
    ["no pixels", new Float32Array(0), "expected pixels that are labelled with a class, got none"],
    ["NaN", Float32Array.of(1, 2, Number.NaN, 4), "expected features that are finite numbers, got NaN"],
    [
      "the same everywhere",
      new Float32Array(20).fill(3),
      "expected features that differ between pixels, got 10 pixels",
    ],
  ])("%s", async (_, rows, message) => {
    const fitted = fitWhitening(engine, rows, 2, { most: 32, score: "flow-density" });
    await expect(fitted).rejects.toThrow(DataError);
    await expect(fitted).rejects.toThrow(message);
  });
});

describe("training", () => {
  const short = { couplings: 2, hidden: 4, steps: 200, batch: 32, rate: 1e-3, seed: 1 };

  test("ends on request", async () => {
    const stop = new AbortController();
    const progress = { start() {}, update: () => stop.abort(), finish() {} };
    const trained = trainFlow(engine, moons(100, 1), 2, short, { progress, signal: stop.signal });
    await expect(trained).rejects.toThrow(CancelledError);
  });

  test("that diverges names the rate", async () => {
    await expect(trainFlow(engine, moons(100, 1), 2, { ...short, rate: 1e30 })).rejects.toThrow(RunError);
  });

  test("has nothing to learn from no rows", async () => {
    await expect(trainFlow(engine, new Float32Array(0), 2, short)).rejects.toThrow(DataError);
  });
});
