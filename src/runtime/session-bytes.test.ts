import { expect, test } from "vitest";
import { GraphBuilder } from "../graph/index.js";
import { decodeModel, encodeModel, type Model, type Tensor } from "../onnx/index.js";
import type { Expr } from "../ops/index.js";
import { sessionBytes } from "./session-bytes.js";

const least = 2 ** -126;
const modelOf = (weights: number[]): Model => {
  const graph = new GraphBuilder();
  const w = graph.constant({ dtype: "float32", dims: [weights.length], data: Float32Array.from(weights) });
  const [y] = graph.op("Mul", [graph.input("x", "float32", [weights.length]), w]) as [Expr];
  return graph.model({ y });
};
const weightsOf = (bytes: Uint8Array): number[] => {
  const [weights] = [...decodeModel(bytes, "it").graph.initializers.values()] as [Tensor];
  return [...(weights.data as Float32Array)];
};

test("weights that processors are slow with become zero, of either sign, and no others", () => {
  const model = modelOf([1, -1, least, -least, least / 2, -least / 2, 2 ** -149, 0]);
  expect(weightsOf(sessionBytes(model))).toEqual([1, -1, least, -least, 0, 0, 0, 0]);
  // The model itself keeps them: what is written later is what was read.
  expect(weightsOf(encodeModel(model))[4]).toBe(least / 2);
});

test("a model without such weights is encoded as it is, infinities and NaN with it", () => {
  const model = modelOf([Number.NaN, Number.POSITIVE_INFINITY, 1e-30]);
  expect(Buffer.from(sessionBytes(model)).equals(encodeModel(model))).toBe(true);
});
