import { describe, expect, test } from "vitest";
import { float, type Graph, int, ints, type Node, type Tensor } from "../onnx/index.js";
import { tensorOf } from "../ops/index.js";
import { GraphBuilder } from "./builder.js";
import { importGraph } from "./import.js";
import { findParameters, headLayer, selectParameters } from "./parameters.js";
import { partition, prefixModel } from "./partition.js";

const weights = (...dims: number[]): Tensor => {
  const size = dims.reduce((a, b) => a * b, 1);
  return tensorOf(
    Array.from({ length: size }, (_, index) => Math.sin(index + 1)),
    "float32",
    dims,
  );
};
const node = (op: string, inputs: string[], output: string, attributes: Node["attributes"] = {}): Node => ({
  name: output,
  op,
  domain: "",
  inputs,
  outputs: [output],
  attributes,
});

/** (x - mean)/std inside the model, two convolutions with BatchNorm, shape arithmetic, a transposed weight, a bias. */
const graph: Graph = {
  name: "classifier",
  inputs: [{ name: "image", dtype: "float32", dims: ["N", 3, 4, 4] }],
  outputs: [{ name: "logits", dtype: "float32", dims: ["N", 5] }],
  nodes: [
    node("Sub", ["image", "mean"], "centred"),
    node("Div", ["centred", "std"], "scaled"),
    node("Conv", ["scaled", "conv1.weight"], "a", { pads: ints([1, 1, 1, 1]) }),
    node("BatchNormalization", ["a", "bn.weight", "bn.bias", "bn.mean", "bn.var"], "b", { epsilon: float(1e-5) }),
    node("Relu", ["b"], "c"),
    node("Clip", ["c", "zero", "six"], "clipped"),
    node("Conv", ["clipped", "conv2.weight", "conv2.bias"], "d", { pads: ints([1, 1, 1, 1]) }),
    node("ReduceMean", ["d", "axes"], "pooled", { keepdims: int(0) }),
    node("Shape", ["pooled"], "shape"),
    node("Gather", ["shape", "first"], "rows", { axis: int(0) }),
    node("Concat", ["rows", "minus"], "target", { axis: int(0) }),
    node("Reshape", ["pooled", "target"], "flat"),
    node("Transpose", ["fc.weight"], "fc.weight.T", { perm: ints([1, 0]) }),
    node("MatMul", ["flat", "fc.weight.T"], "product"),
    node("Add", ["product", "fc.bias"], "logits"),
  ],
  initializers: new Map([
    ["mean", weights(1, 3, 1, 1)],
    ["std", tensorOf([0.2, 0.3, 0.4], "float32", [1, 3, 1, 1])],
    ["conv1.weight", weights(2, 3, 3, 3)],
    ["bn.weight", weights(2)],
    ["bn.bias", weights(2)],
    ["bn.mean", weights(2)],
    ["bn.var", tensorOf([1, 2])],
    ["zero", tensorOf(0)],
    ["six", tensorOf(6)],
    ["conv2.weight", weights(4, 2, 3, 3)],
    ["conv2.bias", weights(4)],
    ["axes", tensorOf([2, 3], "int64")],
    ["first", tensorOf([0], "int64")],
    ["minus", tensorOf([-1], "int64")],
    ["fc.weight", weights(5, 4)],
    ["fc.bias", weights(5)],
  ]),
};

const imported = (trained: readonly string[] = []) => {
  const builder = new GraphBuilder();
  const bound = new Map([["image", builder.input("image", "float32", [2, 3, 4, 4])]]);
  for (const name of trained) bound.set(name, builder.input(name, "float32", graph.initializers.get(name)?.dims ?? []));
  return importGraph(builder, graph, { bound, outputs: ["logits"] });
};
const names = (selection: string) => selectParameters(graph, selection).map(({ name }) => name);

describe("parameters", () => {
  test("leave out running statistics, limits, axes, and the normalisation of the image", () => {
    expect(findParameters(graph).map(({ name }) => name)).toEqual([
      "conv1.weight",
      "bn.weight",
      "bn.bias",
      "conv2.weight",
      "conv2.bias",
      "fc.weight",
      "fc.bias",
    ]);
  });

  test("of the head are the last layer's, found behind a Transpose, and the bias that follows", () => {
    expect(headLayer(graph)?.name).toBe("product");
    expect(names("head")).toEqual(["fc.weight", "fc.bias"]);
  });

  test("of the head are not those that another output alone uses", () => {
    const second = [node("Tanh", ["flat"], "bent"), node("MatMul", ["bent", "second.weight"], "second")];
    const two = {
      ...graph,
      nodes: [...graph.nodes, ...second],
      outputs: [...graph.outputs, { name: "second", dtype: "float32" as const, dims: ["N", 2] }],
      initializers: new Map([...graph.initializers, ["second.weight", weights(4, 2)]]),
    };
    expect(selectParameters(two, "head").map(({ name }) => name)).toEqual(["fc.weight", "fc.bias"]);
    expect(selectParameters(two, "all").map(({ name }) => name)).toContain("second.weight");
    const projecting = { ...two, outputs: [two.outputs[0], { name: "projection", dtype: "float32", dims: ["N", 2] }] };
    const renamed = two.nodes.map((each) => (each.name === "second" ? { ...each, outputs: ["projection"] } : each));
    const withProjection = { ...projecting, nodes: renamed } as Graph;
    expect(selectParameters(withProjection, "head").map(({ name }) => name)).toEqual([
      ...["fc.weight", "fc.bias", "second.weight"],
    ]);
  });

  test("are the scales of RMSNormalization, and not the numbers that sizes are computed from", () => {
    const nodes = [
      node("Conv", ["image", "conv.weight"], "a"),
      node("RMSNormalization", ["a", "rms.scale"], "b"),
      node("Shape", ["b"], "shape"),
      node("Cast", ["shape"], "floats", { to: int(1) }),
      node("Mul", ["floats", "twice"], "larger"),
      node("Cast", ["larger"], "sizes", { to: int(7) }),
      node("Resize", ["b", "", "", "sizes"], "c"),
      node("Concat", ["one", "two"], "scales", { axis: int(0) }),
      node("Resize", ["c", "", "scales"], "logits"),
    ];
    const initializers = new Map([
      ["conv.weight", weights(2, 3, 1, 1)],
      ["rms.scale", weights(4)],
      ["twice", weights(4)],
      ["one", weights(2)],
      ["two", weights(2)],
    ]);
    expect(findParameters({ ...graph, nodes, initializers }).map(({ name }) => name)).toEqual([
      ...["conv.weight", "rms.scale"],
    ]);
  });

  test("are chosen by patterns in which a dot is a dot", () => {
    expect(names("conv2.*,fc.bias")).toEqual(["conv2.weight", "conv2.bias", "fc.bias"]);
    // One of two is not enough: what it was meant for would stay frozen without a word.
    expect(() => names("*,conv2x*")).toThrow(
      '--train: expected at least one parameter to train, got none for "conv2x*"',
    );
    expect(() => names("conv2x*")).toThrow('--train: expected at least one parameter to train, got none for "conv2x*"');
  });

  test("in half precision are refused before training", () => {
    const half = new Map(graph.initializers).set("fc.bias", { dtype: "float16", dims: [5], data: new Uint16Array(5) });
    expect(() => selectParameters({ ...graph, initializers: half }, "head")).toThrow(
      'parameter "fc.bias": expected float32 parameters to train, got float16',
    );
  });
});

describe("the freeze boundary", () => {
  const boundaryOf = (...trained: string[]) => partition(graph, imported(trained), new Set(trained), "logits").boundary;

  test("of the head is the feature vector, and shape arithmetic below it does not cross", () => {
    expect(boundaryOf("fc.weight", "fc.bias")).toEqual(["flat"]);
  });

  test("lies in front of the first trained layer", () => {
    expect(boundaryOf("conv2.bias")).toEqual(["clipped"]);
    expect(boundaryOf("conv1.weight")).toEqual(["scaled"]);
  });

  test("has nothing to do with what the logits do not need", () => {
    const beside = { ...graph, nodes: [...graph.nodes, node("MatMul", ["clipped", "fc.weight"], "other")] };
    const parts = partition(beside, imported(["fc.weight"]), new Set(["fc.weight"]), "logits");
    expect(parts.boundary).toEqual(["flat"]);
    expect([...parts.trained].map(({ name }) => name)).not.toContain("other");
  });

  test("cannot be drawn for a parameter the logits do not use", () => {
    expect(() => boundaryOf("elsewhere")).toThrow(
      'output "logits": it does not depend on any of the trained parameters',
    );
  });

  test("makes the frozen part a model for any batch that holds nothing of the trained part", () => {
    const model = { graph, opset: 18, imports: new Map([["", 18]]), irVersion: 8, producer: "", metadata: new Map() };
    const { graph: prefix } = prefixModel(model, imported(), ["clipped"]);
    expect(prefix.nodes.map(({ op }) => op)).toEqual(["Sub", "Div", "Conv", "BatchNormalization", "Relu", "Clip"]);
    expect(prefix.initializers.has("conv2.weight")).toBe(false);
    expect(prefix.outputs).toEqual([{ name: "clipped", dtype: "float32", dims: ["N", 2, 4, 4] }]);
  });
});
