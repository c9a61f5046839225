import { readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { decodeModel, encodeModel, float, type Model, type Tensor } from "./index.js";
import { ModelProtoSchema, type TensorProto } from "./onnx_pb.js";

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../test/fixtures/onnx/${name}`, import.meta.url)));
const files = [
  "torch-9.onnx",
  "torch-11.onnx",
  "torch-13.onnx",
  "torch-16.onnx",
  "ir3.onnx",
  "everything.onnx",
  "unknown-fields.onnx",
];
const quiet = { logSeverityLevel: 3 } as const;

async function run(bytes: Uint8Array, feeds: Record<string, ort.Tensor>): Promise<Record<string, unknown>> {
  const session = await ort.InferenceSession.create(bytes, quiet);
  const outputs = await session.run(feeds);
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, [tensor.dims, tensor.data]]));
}

function feedsFor(name: string): Record<string, ort.Tensor> {
  if (name.startsWith("torch")) {
    const { input, dims } = JSON.parse(new TextDecoder().decode(fixture("torch.json"))) as {
      input: number[];
      dims: number[];
    };
    return { image: new ort.Tensor("float32", input, dims) };
  }
  if (name === "ir3.onnx") return { x: new ort.Tensor("float32", [1, -2, 3], [1, 3]) };
  return { x: new ort.Tensor("float32", [1, 2, 3, -4], [4]) };
}

const protoOf = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);
const replaceInitializer = (model: Model, name: string, tensor: Tensor): Model => ({
  ...model,
  graph: { ...model.graph, initializers: new Map(model.graph.initializers).set(name, tensor) },
});

test.each(files)("%s: nothing but the order of nodes changes when it is read and written", (name) => {
  const original = protoOf(fixture(name));
  const written = protoOf(encodeModel(decodeModel(fixture(name), name)));
  const sortNodes = (proto: typeof original) =>
    proto.graph?.node.sort((a, b) => (a.output.join() < b.output.join() ? -1 : 1));
  sortNodes(original);
  sortNodes(written);
  expect(written).toEqual(original);
});

test.each(files)("%s: the second round trip gives the bytes of the first", (name) => {
  const once = encodeModel(decodeModel(fixture(name), name));
  expect(Buffer.from(encodeModel(decodeModel(once, name))).equals(once)).toBe(true);
});

test.each(["torch-9.onnx", "torch-11.onnx", "torch-13.onnx", "torch-16.onnx", "ir3.onnx"])(
  "%s: ONNX Runtime computes the same numbers after a round trip",
  async (name) => {
    const before = await run(fixture(name), feedsFor(name));
    expect(await run(encodeModel(decodeModel(fixture(name), name)), feedsFor(name))).toEqual(before);
  },
);

test("a file whose nodes are out of order, with subgraphs and functions, runs after a round trip", async () => {
  const outputs = await run(encodeModel(decodeModel(fixture("everything.onnx"), "it")), feedsFor("everything.onnx"));
  // x = [1, 2, 3, -4] sums to 2 > 0: the then branch adds 10, the local function adds 2x.
  expect(outputs).toEqual({ y: [[4], new Float32Array([13, 16, 19, -2])], rest: [[3], new Float32Array([2, 3, -4])] });
});

test("unknown fields of the model, graph, node, attribute, tensor and input come back byte for byte", () => {
  const bytes = Buffer.from(encodeModel(decodeModel(fixture("unknown-fields.onnx"), "it")));
  const extra = Buffer.from("82fa010f66726f6d207468652066757475726588fa01ac02", "hex");
  let count = 0;
  for (let at = bytes.indexOf(extra); at >= 0; at = bytes.indexOf(extra, at + 1)) count++;
  expect(count).toBe(6);
});

describe("element types", () => {
  const { initializers } = decodeModel(fixture("everything.onnx"), "everything.onnx").graph;
  const numeric = [
    "float",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "int32",
    "int64",
    "bool",
    "float16",
    "double",
    "uint32",
    "uint64",
  ];

  test.each(numeric)("%s has the same elements from raw_data and from its typed field", (name) => {
    const raw = initializers.get(`${name}_raw`);
    const typed = initializers.get(`${name}_typed`);
    expect(typed).toEqual(raw);
    const values = name === "bool" ? [0, 1, 1, 1, 0, 0] : [0, 1, 2, 3, 100, 5];
    const halfBits = [0, 0x3c00, 0x4000, 0x4200, 0x5640, 0x4500];
    expect(Array.from(raw?.data as ArrayLike<number | bigint>, Number)).toEqual(name === "float16" ? halfBits : values);
  });

  test("strings, bfloat16 bits, complex numbers as bytes and empty tensors are read", () => {
    expect(initializers.get("string_typed")?.data).toEqual(["left", "ünïcode"]);
    expect(initializers.get("bfloat16_typed")).toEqual({
      dtype: "bfloat16",
      dims: [2],
      data: new Uint16Array([0x3f80, 0xc000]),
    });
    const complex = initializers.get("complex_typed");
    expect(complex?.dtype).toBe("other");
    const bytes = complex?.data as Uint8Array;
    expect(new Float32Array(bytes.buffer, bytes.byteOffset, 4)).toEqual(new Float32Array([1, 2, 3, -4]));
    expect(initializers.get("empty")).toEqual({ dtype: "float32", dims: [0, 4], data: new Float32Array() });
  });

  test.each([...initializers.keys()].filter((name) => name !== "complex_typed"))(
    "a new tensor equal to %s is written so that it reads the same",
    (name) => {
      const tensor = initializers.get(name) as Tensor;
      const model = decodeModel(fixture("everything.onnx"), "it");
      const again = decodeModel(encodeModel(replaceInitializer(model, name, { ...tensor })), "again");
      expect(again.graph.initializers.get(name)).toEqual(tensor);
    },
  );

  test("a tensor of a type without arrays is written only where it was read", () => {
    const model = decodeModel(fixture("everything.onnx"), "it");
    const copy = { ...(initializers.get("complex_typed") as Tensor) };
    expect(() => encodeModel(replaceInitializer(model, "complex_typed", copy))).toThrow(
      /complex_typed.*can write, got other/,
    );
  });
});

describe("a changed model", () => {
  const model = decodeModel(fixture("unknown-fields.onnx"), "it");

  test("has the new initializer, and the others still share their bytes with the file", () => {
    const data = new Float32Array([1, 2, 3, 4, 5, 6]);
    const changed = replaceInitializer(model, "float_raw", { dtype: "float32", dims: [6], data });
    const again = decodeModel(encodeModel(changed), "again");
    expect(again.graph.initializers.get("float_raw")).toEqual({ dtype: "float32", dims: [6], data });
    expect(again.graph.initializers.get("int64_typed")).toEqual(model.graph.initializers.get("int64_typed"));
  });

  test("keeps the doc string of a tensor whose values are new", () => {
    const changed = replaceInitializer(model, "float_typed", {
      dtype: "float32",
      dims: [1],
      data: new Float32Array([7]),
    });
    const tensor = protoOf(encodeModel(changed)).graph?.initializer.find(
      ({ name }) => name === "float_typed",
    ) as TensorProto;
    expect([tensor.docString, tensor.floatData.length, tensor.rawData.length]).toEqual([
      "float stored one by one",
      0,
      4,
    ]);
  });

  test("has the new metadata, producer and attributes", () => {
    const nodes = model.graph.nodes.map((node) =>
      node.op === "ReduceSum"
        ? { ...node, attributes: { ...node.attributes, keepdims: { kind: "int" as const, value: 1 } } }
        : node,
    );
    const changed: Model = {
      ...model,
      metadata: new Map([["a", "b"]]),
      producer: "me",
      graph: { ...model.graph, nodes },
    };
    const again = decodeModel(encodeModel(changed), "again");
    expect(again.metadata).toEqual(new Map([["a", "b"]]));
    expect(again.producer).toBe("me");
    expect(again.graph.nodes.find(({ op }) => op === "ReduceSum")?.attributes).toEqual({
      keepdims: { kind: "int", value: 1 },
    });
  });

  test("declares no tensors that it no longer has", () => {
    const nodes = model.graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((name) => (name === "chosen" ? "renamed" : name)),
      outputs: node.outputs.map((name) => (name === "chosen" ? "renamed" : name)),
    }));
    const graph = protoOf(encodeModel({ ...model, graph: { ...model.graph, nodes } })).graph;
    expect(graph?.valueInfo).toEqual([]);
    expect(graph?.quantizationAnnotation).toEqual([]);
  });

  test("is refused when a new attribute is no integer, instead of losing its fraction", () => {
    const nodes = model.graph.nodes.map((node) => ({
      ...node,
      attributes: { ...node.attributes, extra: { kind: "int" as const, value: 0.5 } },
    }));
    expect(() => encodeModel({ ...model, graph: { ...model.graph, nodes } })).toThrow(/expected an integer, got 0.5/);
  });
});

test("the largest int64, which a number cannot hold, is written back exactly, and clamped where it is new", () => {
  const model = decodeModel(fixture("everything.onnx"), "it");
  const intsOf = (proto: ReturnType<typeof protoOf>, output: string) =>
    proto.graph?.node.find((node) => node.output[0] === output)?.attribute[0]?.ints;
  expect(intsOf(protoOf(encodeModel(model)), "int64_max")).toEqual([2n ** 63n - 1n]);
  const nodes = model.graph.nodes.map((node) =>
    node.outputs[0] === "begin"
      ? { ...node, attributes: { value_ints: { kind: "ints" as const, value: [2 ** 63, -(2 ** 63), -1] } } }
      : node,
  );
  const written = protoOf(encodeModel({ ...model, graph: { ...model.graph, nodes } }));
  expect(intsOf(written, "begin")).toEqual([2n ** 63n - 1n, -(2n ** 63n), -1n]);
});

describe("initializers that a file of IR version 3 repeats among its inputs", () => {
  const model = decodeModel(fixture("ir3.onnx"), "ir3.onnx");
  const inputsOf = (changed: Model) => protoOf(encodeModel(changed)).graph?.input.map(({ name }) => name);

  test("are not inputs of the model, but are written back in their place", () => {
    expect(model.graph.inputs).toEqual([{ name: "x", dtype: "float32", dims: ["N", 3] }]);
    expect(inputsOf(model)).toEqual(["w", "x"]);
  });

  test("vanish when the model becomes a newer version, where they would stop being constants", () => {
    expect(inputsOf({ ...model, irVersion: 8 })).toEqual(["x"]);
  });

  test("are joined by new initializers, which that version demands", () => {
    const bias: Tensor = { dtype: "float32", dims: [2], data: new Float32Array(2) };
    expect(inputsOf(replaceInitializer(model, "b", bias))).toEqual(["w", "x", "b"]);
  });
});

test("a model built from scratch with every kind of attribute reads the same after writing", () => {
  const tensor: Tensor = { dtype: "int64", dims: [2], data: new BigInt64Array([1n, -1n]) };
  const model: Model = {
    graph: {
      name: "g",
      inputs: [
        { name: "x", dtype: "float32", dims: ["N", 3] },
        { name: "u", dtype: "float16" },
      ],
      outputs: [{ name: "y", dtype: "float32", dims: [] }],
      nodes: [
        {
          name: "n",
          op: "Custom",
          domain: "mine",
          inputs: ["x", "", "u"],
          outputs: ["y", ""],
          attributes: {
            f: float(0.5),
            i: { kind: "int", value: -3 },
            s: { kind: "string", value: "ü" },
            t: { kind: "tensor", value: tensor },
            fs: { kind: "floats", value: [1, Number.POSITIVE_INFINITY] },
            is: { kind: "ints", value: [] },
            ss: { kind: "strings", value: ["a", ""] },
          },
        },
      ],
      initializers: new Map(),
    },
    opset: 18,
    imports: new Map([
      ["", 18],
      ["mine", 1],
    ]),
    irVersion: 8,
    producer: "test",
    metadata: new Map([["k", "v"]]),
  };
  expect(decodeModel(encodeModel(model), "it")).toMatchObject(model);
});

test("tensors whose bytes lie aligned share memory with the file", () => {
  const bytes = fixture("torch-16.onnx");
  const shared = [...decodeModel(bytes, "it").graph.initializers.values()].filter(
    ({ data }) => (data as Float32Array).buffer === bytes.buffer,
  );
  expect(shared.length).toBeGreaterThan(0);
});
