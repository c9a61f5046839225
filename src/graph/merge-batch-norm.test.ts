import { afterAll, describe, expect, test } from "vitest";
import { randomTensor } from "../../test/gradients/index.js";
import { encodeModel } from "../onnx/index.js";
import { type Graph, ints, type Node, type Tensor } from "../onnx/types.js";
import { type Expr, square, sum } from "../ops/index.js";
import { LocalEngine } from "../runtime/index.js";
import { GraphBuilder } from "./builder.js";
import { gradients } from "./differentiate.js";
import { importGraph } from "./import.js";

const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

const trained = ["w", "b", "scale", "bias"];
const values: Record<string, Tensor> = {
  x: randomTensor([2, 3, 5, 5], 1),
  w: randomTensor([4, 3, 3, 3], 2),
  b: randomTensor([4], 3),
  scale: randomTensor([4], 4, { low: 0.5, high: 2 }),
  bias: randomTensor([4], 5),
  mean: randomTensor([4], 6),
  variance: randomTensor([4], 7, { low: 0.5, high: 2 }),
};

const node = (op: string, inputs: string[], output: string, attributes: Node["attributes"] = {}): Node => ({
  name: output,
  op,
  domain: "",
  inputs,
  outputs: [output],
  attributes,
});

/** A convolution and BatchNormalization, and what else reads the convolution. */
function graphOf(more: readonly Node[] = []): Graph {
  const initializers = Object.entries(values).filter(([name]) => name !== "x" && !trained.includes(name));
  return {
    name: "pair",
    inputs: [],
    outputs: [],
    nodes: [
      node("Conv", ["x", "w", "b"], "conv", { pads: ints([1, 1, 1, 1]) }),
      node("BatchNormalization", ["conv", "scale", "bias", "mean", "variance"], "y"),
      ...more,
    ],
    initializers: new Map(initializers),
  };
}

function imported(graph: Graph, mergeBatchNorm: boolean, outputs = ["y"]) {
  const builder = new GraphBuilder();
  const bound = new Map(
    ["x", ...trained].map((name) => [name, builder.input(name, "float32", values[name]?.dims ?? [])] as const),
  );
  const result = importGraph(builder, graph, { bound, outputs, mergeBatchNorm });
  const operators = builder.nodes.map((built) => built.node.op);
  return { builder, bound, values: result.values, operators };
}

async function outputsAndGradients(mergeBatchNorm: boolean) {
  const { builder, bound, values: found } = imported(graphOf(), mergeBatchNorm);
  const y = found.get("y") as Expr;
  const slopes = gradients(
    builder,
    sum(square(y)),
    trained.map((name) => bound.get(name) as Expr),
  );
  const outputs = { y, ...Object.fromEntries(trained.map((name, index) => [`d ${name}`, slopes[index] as Expr])) };
  const session = await engine.load(encodeModel(builder.model(outputs)));
  const copies = Object.entries(values).map(
    ([name, x]) => [name, { ...x, data: x.data.slice() as Float32Array }] as const,
  );
  const results = await session.run(Object.fromEntries(copies.filter(([name]) => bound.has(name))));
  await session.release();
  return results;
}

describe("merging BatchNormalization into a convolution", () => {
  test("changes neither the output nor the gradients of weight, bias, scale and shift", async () => {
    const [apart, together] = [await outputsAndGradients(false), await outputsAndGradients(true)];
    for (const [name, { data }] of Object.entries(apart)) {
      const size = Math.max(...(data as Float32Array).map(Math.abs));
      (data as Float32Array).forEach((value, place) => {
        expect(Math.abs(value - Number(together[name]?.data[place])), name).toBeLessThan(3e-6 * size);
      });
    }
  });

  test("leaves no BatchNormalization where it may be merged", () => {
    expect(imported(graphOf(), true).operators).not.toContain("BatchNormalization");
    expect(imported(graphOf(), false).operators).toContain("BatchNormalization");
  });

  test("is left out where something else reads the convolution", () => {
    const graph = graphOf([node("Relu", ["conv"], "z")]);
    expect(imported(graph, true, ["y", "z"]).operators).toContain("BatchNormalization");
    expect(imported(graphOf(), true, ["y", "conv"]).operators).toContain("BatchNormalization");
  });
});
