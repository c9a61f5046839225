import { expect, test } from "vitest";
import { float } from "../onnx/index.js";
import { first } from "../ops/index.js";
import { GraphBuilder } from "./builder.js";

test("nodes are shared where their attributes are the same number, and infinities, NaN and both zeros are not", () => {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [2]);
  const slope = (alpha: number) => first(graph.op("LeakyRelu", [x], { alpha: float(alpha) })).name;
  const different = [Infinity, -Infinity, Number.NaN, 0, -0, 0.5];
  expect(new Set(different.map(slope)).size).toBe(different.length);
  expect(different.map(slope)).toEqual(different.map(slope));
});
