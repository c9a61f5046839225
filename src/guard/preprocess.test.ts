import { expect, test } from "vitest";
import { runModel } from "../../test/gradients/run-model.js";
import type { ResizeMode } from "../data/index.js";
import { resizePicture } from "../data/resize.js";
import { OptionError } from "../errors.js";
import { GraphBuilder } from "../graph/builder.js";
import type { Graph, Model, Node } from "../onnx/types.js";
import { mul } from "../ops/index.js";
import { preprocessing } from "./preprocess.js";

type Size = readonly [number, number];

/** A model that gives back what it takes. */
function mirror(height: number, width: number) {
  const graph = new GraphBuilder();
  return graph.model({ seen: mul(graph.input("x", "float32", ["N", 3, height, width]), 1) });
}

/** Smooth planes with edges, so that interpolation and its filter show. */
function planes(height: number, width: number): Uint8Array {
  return Uint8Array.from({ length: 3 * height * width }, (_, at) => {
    const [row, column] = [Math.floor(at / width) % height, at % width];
    const wave = 100 + 90 * Math.sin(row / 3 + Math.floor(at / (height * width))) * Math.cos(column / 5);
    return Math.round((row + 2 * column) % 23 < 4 ? 255 - wave : wave);
  });
}

async function resized(data: Uint8Array, from: Size, to: Size, resize: ResizeMode) {
  const area = from[0] * from[1];
  const pixels = Uint8Array.from(data, (_, at) => data[(at % 3) * area + Math.floor(at / 3)] as number);
  const model = preprocessing(mirror(to[0], to[1]), "x", [3, to[0], to[1]], { resize });
  const images = { dtype: "uint8", dims: [1, ...from, 3], data: pixels } as const;
  return (await runModel(model, { images })).get("seen")?.data as Float32Array;
}

test.each(
  (
    [
      { from: [75, 61], to: [32, 32] },
      { from: [20, 33], to: [32, 40] },
      { from: [90, 24], to: [30, 48] },
      // Half a pixel on either side to cut off, an even and an odd number of whole ones before it.
      { from: [37, 32], to: [32, 32] },
      { from: [32, 39], to: [32, 32] },
      { from: [6, 40], to: [6, 5] },
    ] as const satisfies readonly { from: Size; to: Size }[]
  ).flatMap((sizes) => (["stretch", "crop"] as const).map((resize) => ({ ...sizes, resize }))),
)(
  "$from to $to by $resize: what the library's resizing gives, up to its rounding to bytes",
  async ({ from, to, resize }) => {
    const data = planes(from[0], from[1]);
    const expected = resizePicture({ data, shape: [3, ...from] }, to[0], to[1], resize).data;
    const found = await resized(data, from, to, resize);
    expect(found).toHaveLength(expected.length);
    found.forEach((value, at) => {
      // Two roundings to whole bytes, the first of which is averaged over a filter.
      expect(Math.abs(255 * value - (expected[at] as number))).toBeLessThan(1.01);
    });
  },
);

test("an image of the model's size is only divided and normalised", async () => {
  const data = planes(6, 5);
  const model = preprocessing(mirror(6, 5), "x", [3, 6, 5], {
    normalization: { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.5] },
    resize: "crop",
  });
  const pixels = Uint8Array.from(data, (_, at) => data[(at % 3) * 30 + Math.floor(at / 3)] as number);
  const images = { dtype: "uint8", dims: [1, 6, 5, 3], data: pixels } as const;
  const found = (await runModel(model, { images })).get("seen")?.data as Float32Array;
  found.forEach((value, at) => {
    const channel = Math.floor(at / 30);
    const wanted = ((data[at] as number) / 255 - (5 - channel) / 10) / ([0.2, 0.25, 0.5][channel] as number);
    expect(value).toBeCloseTo(wanted, 5);
  });
});

/** {@link mirror}, whose input has the name `images` and is read in the branches of an If. */
function mirrorOfImages(height: number, width: number): Model {
  const model = mirror(height, width);
  const node = (op: string, inputs: readonly string[], output: string): Node => {
    return { ...{ name: output, op, domain: "", inputs, outputs: [output] }, attributes: {} };
  };
  const branch = (op: string, output: string): Graph => ({
    ...{ name: op, inputs: [], nodes: [node(op, ["images"], output)], initializers: new Map() },
    outputs: [{ name: output, dtype: "float32" }],
  });
  const chosen: Node = {
    ...node("If", ["always"], "seen"),
    attributes: {
      then_branch: { kind: "graph", value: branch("Identity", "same") },
      else_branch: { kind: "graph", value: branch("Neg", "negative") },
    },
  };
  const inputs = model.graph.inputs.map((input) => ({ ...input, name: "images" }));
  const initializers = new Map([["always", { dtype: "bool", dims: [], data: Uint8Array.of(1) } as const]]);
  return { ...model, graph: { ...model.graph, inputs, nodes: [chosen], initializers } };
}

test("a model whose own tensors have the name of the new input gets the same pixels, in its subgraphs too", async () => {
  const data = planes(6, 5);
  const images = { dtype: "uint8", dims: [1, 6, 5, 3], data } as const;
  const seenBy = async (model: Model, input: string) =>
    (await runModel(preprocessing(model, input, [3, 6, 5]), { images })).get("seen")?.data;
  const expected = await seenBy(mirror(6, 5), "x");
  expect(expected).toHaveLength(90);
  expect(await seenBy(mirrorOfImages(6, 5), "images")).toEqual(expected);
  const { graph, ...model } = mirror(6, 5);
  const [first] = graph.nodes as [Node, ...Node[]];
  const inner: Node = {
    name: "before",
    op: "Identity",
    domain: "",
    inputs: ["x"],
    outputs: ["images"],
    attributes: {},
  };
  const renamed = graph.nodes.map((each) =>
    each === first ? { ...each, inputs: each.inputs.map((name) => (name === "x" ? "images" : name)) } : each,
  );
  expect(await seenBy({ ...model, graph: { ...graph, nodes: [inner, ...renamed] } }, "x")).toEqual(expected);
});

test("a model with an output of the name of the new input is refused", () => {
  const { graph, ...model } = mirror(6, 5);
  const nodes = graph.nodes.map((each) => ({
    ...each,
    outputs: each.outputs.map((name) => (name === "seen" ? "images" : name)),
  }));
  const outputs = graph.outputs.map((output) => ({ ...output, name: "images" }));
  const named = { ...model, graph: { ...graph, nodes, outputs } };
  expect(() => preprocessing(named, "x", [3, 6, 5])).toThrow(OptionError);
  expect(() => preprocessing(named, "x", [3, 6, 5])).toThrow(
    '--preprocess: expected a model without an output "images"',
  );
});
