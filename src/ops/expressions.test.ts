import { expect, test } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { gradients } from "../graph/differentiate.js";
import { encodeModel } from "../onnx/index.js";
import { LocalEngine } from "../runtime/local-engine.js";
import { logSumExp, mul, softmax, sum, tensorOf, transpose } from "./expressions.js";
import type { Expr } from "./types.js";

test("logSumExp neither overflows nor vanishes, uses no operator that does on WebGPU, and has softmax as its gradient", async () => {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [2, 3]);
  const y = logSumExp(x, { axes: [1] });
  const [dx] = gradients(graph, sum(y), [x]) as [Expr];
  const model = graph.model({ y, dx });
  expect(model.graph.nodes.map(({ op }) => op)).not.toContain("ReduceLogSumExp");
  const session = await new LocalEngine().load(encodeModel(model));
  const result = await session.run({ x: tensorOf([1000, 999, 0, -1000, -1001, -1002], "float32", [2, 3]) });
  await session.release();
  const tail = Math.log(1 + Math.exp(-1));
  const longer = Math.log(1 + Math.exp(-1) + Math.exp(-2));
  expect(y.dims).toEqual([2]);
  [1000 + tail, -1000 + longer].forEach((value, row) => {
    expect(result.y?.data[row]).toBeCloseTo(value, 4);
  });
  const softmax = [1, Math.exp(-1), 0].map((value) => value / (1 + Math.exp(-1)));
  const last = [1, Math.exp(-1), Math.exp(-2)].map((value) => value / Math.exp(longer));
  // Rounding of an energy near 1000 is 6e-5, and the gradient is its exponential.
  [...softmax, ...last].forEach((value, place) => {
    expect(result.dx?.data[place]).toBeCloseTo(value, 3);
  });
});

test("softmax along an axis within, which needs no operator that transposes, has the value and gradient of that along the last one", async () => {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [2, 3, 2, 2]);
  const weights = graph.input("weights", "float32", [2, 3, 2, 2]);
  const last = [0, 2, 3, 1];
  const within = softmax(x, 1);
  expect(graph.nodes.map(({ node }) => node.op)).not.toContain("Softmax");
  const atEnd = softmax(transpose(x, last), 3);
  const [dWithin] = gradients(graph, sum(mul(within, weights)), [x]) as [Expr];
  const [dAtEnd] = gradients(graph, sum(mul(atEnd, transpose(weights, last))), [x]) as [Expr];
  const values = { within: transpose(within, last), atEnd, dWithin, dAtEnd };
  const session = await new LocalEngine().load(encodeModel(graph.model(values)));
  const numbers = (seed: number) =>
    tensorOf(
      Array.from({ length: 24 }, (_, index) => 9 * Math.sin(seed + 7 * index)),
      "float32",
      x.dims as number[],
    );
  const result = await session.run({ x: numbers(1), weights: numbers(2) });
  await session.release();
  for (const [a, b] of [
    ["within", "atEnd"],
    ["dWithin", "dAtEnd"],
  ] as const) {
    result[a]?.data.forEach((value, index) => {
      expect(value).toBeCloseTo(result[b]?.data[index] as number, 6);
    });
  }
});
