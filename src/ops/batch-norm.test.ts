import fc from "fast-check";
import { expect, test } from "vitest";
import {
  anySeed,
  anyShape,
  checkOperator,
  differentiated,
  expectTensor,
  fed,
  forAll,
  inferTypes,
  numbersOf,
  randomTensor,
} from "../../test/gradients/index.js";
import { runModel } from "../../test/gradients/run-model.js";
import { GraphBuilder } from "../graph/builder.js";
import { gradients } from "../graph/differentiate.js";
import { elementCount, float, type Tensor } from "../onnx/types.js";
import { trainingBatchNorm } from "./batch-norm.js";
import { add, type Expr, mul, sum, tensorOf } from "./index.js";

test("inference: gradients to all five operands, for any number of spatial axes", async () => {
  await forAll(fc.tuple(anyShape({ maxRank: 2 }), anySeed), ([spatial, seed]) => {
    const channels = [0, 1, 2].map((index) => randomTensor([3], seed + 1 + index));
    const variance = randomTensor([3], seed + 4, { low: 0.25, high: 2 });
    return checkOperator({
      op: "BatchNormalization",
      attributes: { epsilon: float(0.125) },
      inputs: [randomTensor([2, 3, ...spatial], seed), ...channels, variance].map(differentiated),
    });
  });
});

test("statistics of another length are refused with the shapes", () => {
  const inputs = [[2, 4, 3], [4], [4], [3], [4]].map((dims) => fed(randomTensor(dims, 1)));
  expect(() => inferTypes({ op: "BatchNormalization", inputs })).toThrow(
    /input \[N, C, \.\.\.\] and mean \[C\], got input \[2, 4, 3\] and mean \[3\]/,
  );
});

const epsilon = 1e-5;
const names = ["y", "mean", "variance", "dx", "dScale", "dBias"] as const;
type Results = Record<(typeof names)[number], Float64Array>;

/** Textbook formulas in float64. The loss is Σ y·dy + Σ mean·dMean + Σ variance·dVariance. */
function reference([x, scale, bias]: Tensor[], [dy, dMean, dVariance]: Tensor[]): Results {
  const [images, channels, ...spatial] = (x as Tensor).dims as [number, number, ...number[]];
  const area = elementCount(spatial);
  const count = images * area;
  const at = (tensor: Tensor | undefined) => numbersOf(tensor as Tensor);
  const [xs, scales, biases, dys, dMeans, dVariances] = [x, scale, bias, dy, dMean, dVariance].map(at) as number[][];
  const full = () => new Float64Array(count * channels);
  const row = () => new Float64Array(channels);
  const result: Results = { y: full(), mean: row(), variance: row(), dx: full(), dScale: row(), dBias: row() };
  for (let c = 0; c < channels; c++) {
    const indices = Array.from({ length: count }, (_, k) => (Math.floor(k / area) * channels + c) * area + (k % area));
    const average = (value: (index: number) => number) => indices.reduce((total, i) => total + value(i), 0) / count;
    const of = (list: number[] | undefined, index: number) => (list as number[])[index] as number;
    const mean = average((i) => of(xs, i));
    const variance = average((i) => (of(xs, i) - mean) ** 2);
    const r = 1 / Math.sqrt(variance + epsilon);
    const h = (i: number) => (of(xs, i) - mean) * r;
    const [averageDy, averageProduct] = [average((i) => of(dys, i)), average((i) => of(dys, i) * h(i))];
    result.mean[c] = mean;
    result.variance[c] = variance;
    result.dScale[c] = averageProduct * count;
    result.dBias[c] = averageDy * count;
    for (const i of indices) {
      result.y[i] = of(scales, c) * h(i) + of(biases, c);
      result.dx[i] =
        of(scales, c) * r * (of(dys, i) - averageDy - h(i) * averageProduct) +
        of(dMeans, c) / count +
        (2 * (of(xs, i) - mean) * of(dVariances, c)) / count;
    }
  }
  return result;
}

/** Outputs and gradients of trainingBatchNorm for a loss that uses the chosen outputs. */
async function compare(x: Tensor, cotangents: (Tensor | undefined)[], tolerance: number, seed = 1): Promise<void> {
  const channels = x.dims[1] as number;
  const operands = [x, randomTensor([channels], seed + 1), randomTensor([channels], seed + 2)];
  const graph = new GraphBuilder();
  const inputs = operands.map(({ dtype, dims }, index) => graph.input(`x${index}`, dtype, dims)) as [Expr, Expr, Expr];
  const { y, mean, variance } = trainingBatchNorm(...inputs, epsilon);
  const terms = [y, mean, variance].flatMap((output, index) =>
    cotangents[index] === undefined ? [] : [sum(mul(output, graph.input(`d${index}`, "float32", output.dims)))],
  );
  const [dx, dScale, dBias] = gradients(graph, terms.reduce(add), inputs) as [Expr, Expr, Expr];
  const fedTensors = [
    ...operands.map((tensor, index) => [`x${index}`, tensor] as const),
    ...cotangents.flatMap((tensor, index) => (tensor === undefined ? [] : [[`d${index}`, tensor] as const])),
  ];
  const results = await runModel(graph.model({ y, mean, variance, dx, dScale, dBias }), Object.fromEntries(fedTensors));
  const zeros = [x.dims, [channels], [channels]].map((dims) =>
    tensorOf(Array(elementCount(dims)).fill(0), "float32", dims),
  );
  const expected = reference(operands, cotangents.map((tensor, index) => tensor ?? zeros[index]) as Tensor[]);
  for (const name of names) {
    const actual = results.get(name) as Tensor;
    const data = Float32Array.from(expected[name]);
    expectTensor(actual, { dtype: "float32", dims: actual.dims, data }, tolerance, `${name} of ${x.dims}`);
  }
}

const cotangentsOf = (x: Tensor, seed: number) => [
  randomTensor(x.dims, seed),
  randomTensor([x.dims[1] as number], seed + 1),
  randomTensor([x.dims[1] as number], seed + 2),
];

test("trainingBatchNorm: outputs and gradients within 1e-6 of float64, for any number of spatial axes", async () => {
  await forAll(fc.tuple(anyShape({ maxRank: 2, minSize: 2, maxSize: 5 }), anySeed), ([spatial, seed]) => {
    const x = randomTensor([8, 3, ...spatial], seed);
    return compare(x, cotangentsOf(x, seed + 5), 1e-6, seed);
  });
});

test("trainingBatchNorm: a loss of y alone, of mean alone, of variance alone", async () => {
  const x = randomTensor([4, 2, 3, 3], 1);
  const all = cotangentsOf(x, 7);
  for (const used of [0, 1, 2])
    await compare(
      x,
      all.map((tensor, index) => (index === used ? tensor : undefined)),
      1e-6,
    );
});

test("trainingBatchNorm: a whole batch keeps its digits, 32,768 elements per channel", async () => {
  const x = randomTensor([32, 2, 32, 32], 3);
  await compare(x, cotangentsOf(x, 9), 2e-6);
});

test("trainingBatchNorm: a mean of 100 deviations costs two digits of y, and none of the variance", async () => {
  const near = randomTensor([16, 2, 8, 8], 4);
  const x = { ...near, data: Float32Array.from(numbersOf(near), (value) => value + 115) };
  const graph = new GraphBuilder();
  const input = graph.input("x", "float32", x.dims);
  const { variance } = trainingBatchNorm(
    input,
    graph.constant(tensorOf([1, 1])),
    graph.constant(tensorOf([0, 0])),
    epsilon,
  );
  const results = await runModel(graph.model({ variance }), { x });
  const parameters = [tensorOf([1, 1]), tensorOf([0, 0])];
  const zeros = [x, ...parameters];
  const expected = Float32Array.from(reference([x, ...parameters], zeros).variance);
  expectTensor(results.get("variance"), { dtype: "float32", dims: [2], data: expected }, 1e-6, "variance");
  await compare(x, cotangentsOf(x, 11), 1e-4);
});

test("trainingBatchNorm: a constant channel has y = bias and finite gradients", async () => {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [4, 1, 2, 2]);
  const [scale, bias] = [graph.input("scale", "float32", [1]), graph.input("bias", "float32", [1])];
  const { y } = trainingBatchNorm(x, scale, bias, epsilon);
  const [dx] = gradients(graph, sum(mul(y, y)), [x]) as [Expr];
  const constant = tensorOf(Array(16).fill(3), "float32", [4, 1, 2, 2]);
  const results = await runModel(graph.model({ y, dx }), { x: constant, scale: tensorOf([2]), bias: tensorOf([0.5]) });
  expect(numbersOf(results.get("y") as Tensor)).toEqual(Array(16).fill(0.5));
  expect(numbersOf(results.get("dx") as Tensor).every((value) => Math.abs(value) < 1e-4)).toBe(true);
});
