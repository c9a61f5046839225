import { readFileSync } from "node:fs";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError, GraphError, OffmapError, UnsupportedError } from "../errors.js";
import { decodeModel, encodeModel, type Model } from "./index.js";
import {
  AttributeProto_AttributeType,
  type AttributeProtoSchema,
  type GraphProtoSchema,
  ModelProtoSchema,
  TensorProto_DataLocation,
} from "./onnx_pb.js";

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../test/fixtures/onnx/${name}`, import.meta.url)));
const text = (value: string) => new TextEncoder().encode(value);

type ModelInit = MessageInitShape<typeof ModelProtoSchema>;
type GraphInit = MessageInitShape<typeof GraphProtoSchema>;
type AttributeInit = MessageInitShape<typeof AttributeProtoSchema>;

const shapeOf = (...sizes: bigint[]) => ({
  value: {
    case: "tensorType" as const,
    value: { elemType: 1, shape: { dim: sizes.map((value) => ({ value: { case: "dimValue" as const, value } })) } },
  },
});

/** A valid model x → Relu → y with parts replaced. */
function bytesOf(graph: GraphInit = {}, model: ModelInit = {}): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: "", version: 17n }],
      ...model,
      graph: {
        name: "g",
        node: [{ name: "relu", opType: "Relu", input: ["x"], output: ["y"] }],
        input: [{ name: "x", type: shapeOf(2n) }],
        output: [{ name: "y", type: shapeOf(2n) }],
        ...graph,
      },
    } as ModelInit),
  );
}

const relu = (name: string, input: string, output: string) => ({
  name,
  opType: "Relu",
  input: [input],
  output: [output],
});
const branch = (name: string, graph: GraphInit) =>
  ({ name, type: AttributeProto_AttributeType.GRAPH, g: graph }) as AttributeInit;
const tensor = (changes: object) =>
  ({ initializer: [{ name: "w", dataType: 1, dims: [2n], ...changes }] }) as GraphInit;

test("the model that the cases below spoil is valid as it is", () => {
  expect(decodeModel(bytesOf(), "it").graph.nodes).toHaveLength(1);
});

type Case = readonly [title: string, kind: typeof OffmapError, bytes: () => Uint8Array, message: RegExp];
const twoBytes = (length: number) => new Uint8Array([0x3a, length]);
const nested = (depth: number): GraphInit =>
  depth === 0
    ? { name: "deep" }
    : { name: "deep", node: [{ opType: "If", output: ["y"], attribute: [branch("then_branch", nested(depth - 1))] }] };

const cases: readonly Case[] = [
  ["an empty file", FormatError, () => new Uint8Array(), /m.onnx: expected an ONNX model, got an empty file/],
  ["an HTML page", FormatError, () => text("<!DOCTYPE html><html></html>"), /an HTML page; the download link/],
  [
    "a Git LFS pointer",
    FormatError,
    () => text("version https://git-lfs.github.com/spec/v1\noid sha256:0"),
    /Git LFS pointer.*git lfs pull/,
  ],
  ["a ZIP archive", FormatError, () => text("PK\x03\x04other"), /a ZIP archive; unpack it first/],
  [
    "a PyTorch checkpoint",
    FormatError,
    () => text("PK\x03\x04....archive/data.pkl"),
    /PyTorch checkpoint.*torch.onnx.export/,
  ],
  ["a pickle", FormatError, () => new Uint8Array([0x80, 2, 0x8a, 10]), /a Python pickle/],
  ["an XML file", FormatError, () => text('<?xml version="1.0"?>'), /an XML file/],
  ["a JSON file", FormatError, () => text('{"a": 1}'), /a JSON file/],
  ["a safetensors file", FormatError, () => text('\x40\0\0\0\0\0\0\0{"w": {}}'), /a safetensors file/],
  ["a PNG image", FormatError, () => new Uint8Array([0x89, 0x50, 0x4e, 0x47]), /a PNG image/],
  ["an .ort file", FormatError, () => text("\x20\0\0\0ORTM"), /ONNX Runtime's own format/],
  ["a TensorFlow Lite model", FormatError, () => text("\x1c\0\0\0TFL3"), /a TensorFlow Lite model/],
  ["plain text", FormatError, () => text("hello world, this is no model"), /m.onnx, byte \d+.*or not an ONNX model/],
  [
    "a file that is cut off",
    FormatError,
    () => fixture("torch-16.onnx").subarray(0, 4000),
    /byte \d+ \(graph.*expected \d+ more bytes/,
  ],
  ["a length beyond the file", FormatError, () => twoBytes(100), /byte 2 \(graph\): expected 100 more bytes, got 0/],
  [
    "a length beyond what encloses it",
    FormatError,
    () => new Uint8Array([0x3a, 2, 0x12, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
    /graph.name.*expected 9 more bytes, got 0/,
  ],
  [
    "a field of the wrong wire type",
    FormatError,
    () => new Uint8Array([0x0a, 1, 1]),
    /ir_version.*expected a varint, got a length/,
  ],
  ["a group", FormatError, () => new Uint8Array([0xa3, 0x7d, 0xa4, 0x7d]), /without groups/],
  ["an endless integer", FormatError, () => new Uint8Array(12).fill(0xff), /at most 10 bytes/],
  [
    "a packed list that does not come out even",
    FormatError,
    () => new Uint8Array([0x3a, 7, 0x2a, 5, 0x22, 3, 0, 0, 0]),
    /float_data.*multiple of 4 bytes, got 3/,
  ],
  [
    "100,000 subgraphs inside each other",
    FormatError,
    () => nestedBytes(100_000),
    /at most 100 messages inside each other/,
  ],
  ["40 subgraphs inside each other", FormatError, () => bytesOf(nested(40)), /at most 100 messages inside each other/],
  [
    "a message without a graph",
    FormatError,
    () => toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n })),
    /without a graph/,
  ],
  ["no operator set", FormatError, () => bytesOf({}, { opsetImport: [] }), /standard operator set.*got no imports/],
  [
    "no standard operator set",
    FormatError,
    () => bytesOf({}, { opsetImport: [{ domain: "com.x", version: 1n }] }),
    /got only com.x/,
  ],
  [
    "two versions of one operator set",
    GraphError,
    () => bytesOf({}, { opsetImport: [{ version: 17n }, { domain: "ai.onnx", version: 16n }] }),
    /versions 17 and 16/,
  ],
  [
    "operator set 6",
    UnsupportedError,
    () => bytesOf({}, { opsetImport: [{ version: 6n }] }),
    /operator set 7 to 26, got 6; export it again/,
  ],
  [
    "operator set 27",
    UnsupportedError,
    () => bytesOf({}, { opsetImport: [{ version: 27n }] }),
    /operator set 7 to 26, got 27/,
  ],
  ["IR version 14", UnsupportedError, () => bytesOf({}, { irVersion: 14n }), /IR version 1 to 13, got 14/],
  [
    "a node of a domain that is not imported",
    GraphError,
    () => bytesOf({ node: [{ ...relu("n", "x", "y"), domain: "com.x" }] }),
    /"com.x", which the model does not import/,
  ],
  [
    "a node without an operator",
    GraphError,
    () => bytesOf({ node: [{ ...relu("n", "x", "y"), opType: "" }] }),
    /names no operator/,
  ],
  [
    "a missing tensor",
    GraphError,
    () => bytesOf({ node: [relu("n", "nowhere", "y")] }),
    /node "n" \(Relu\) reads "nowhere", which is no/,
  ],
  [
    "two nodes of one name",
    GraphError,
    () => bytesOf({ node: [relu("n", "x", "t"), relu("n", "t", "y")] }),
    /two nodes of graph are called "n"/,
  ],
  [
    "a missing output",
    GraphError,
    () => bytesOf({ output: [{ name: "z", type: shapeOf(2n) }] }),
    /the output "z" of graph is made by no node/,
  ],
  [
    "an output declared twice",
    GraphError,
    () => bytesOf({ output: [{ name: "y" }, { name: "y" }] }),
    /"y" of graph is declared twice/,
  ],
  [
    "a cycle",
    GraphError,
    () => bytesOf({ node: [relu("a", "q", "p"), relu("b", "p", "q"), relu("c", "q", "y")] }),
    /cycle through node "[ab]" \(Relu\) by the tensor/,
  ],
  ["a node that reads itself", GraphError, () => bytesOf({ node: [relu("a", "y", "y")] }), /cycle through node "a"/],
  [
    "two producers of one tensor",
    GraphError,
    () => bytesOf({ node: [relu("a", "x", "y"), relu("b", "x", "y")] }),
    /"y" is made twice in graph, the second time by node "b"/,
  ],
  [
    "a node that overwrites an input",
    GraphError,
    () => bytesOf({ node: [relu("a", "x", "x"), relu("b", "x", "y")] }),
    /made twice|cycle/,
  ],
  [
    "two inputs of one name",
    GraphError,
    () => bytesOf({ input: [{ name: "x" }, { name: "x" }] }),
    /two graph inputs are called "x"/,
  ],
  ["an input without a name", FormatError, () => bytesOf({ input: [{ name: "" }] }), /graph input without a name/],
  [
    "two attributes of one name",
    GraphError,
    () => bytesOf({ node: [{ ...relu("a", "x", "y"), attribute: [{ name: "k" }, { name: "k" }] }] }),
    /node "a".*two attributes are called "k"/,
  ],
  [
    "two initializers of one name",
    GraphError,
    () =>
      bytesOf({
        initializer: [
          { name: "w", dataType: 1 },
          { name: "w", dataType: 1 },
        ],
      }),
    /two initializers are called "w"/,
  ],
  [
    "a subgraph that reads a missing tensor",
    GraphError,
    () =>
      bytesOf({
        node: [
          {
            name: "if",
            opType: "If",
            input: ["x"],
            output: ["y"],
            attribute: [branch("then_branch", { node: [relu("inner", "ghost", "o")], output: [{ name: "o" }] })],
          },
        ],
      }),
    /node "inner" \(Relu\) reads "ghost"/,
  ],
  [
    "a cycle through a subgraph",
    GraphError,
    () =>
      bytesOf({
        node: [
          {
            name: "if",
            opType: "If",
            input: ["x"],
            output: ["y"],
            attribute: [branch("then_branch", { node: [relu("inner", "later", "o")], output: [{ name: "o" }] })],
          },
          relu("after", "y", "later"),
        ],
      }),
    /cycle through/,
  ],
  [
    "a negative dimension",
    FormatError,
    () => bytesOf(tensor({ dims: [-1n] })),
    /initializer "w": expected dimensions of 0 or more, got \[-1\]/,
  ],
  [
    "a negative size of an input",
    FormatError,
    () => bytesOf({ input: [{ name: "x", type: shapeOf(-7n) }] }),
    /"x": expected dimensions of 0 or more, got -7/,
  ],
  [
    "less data than the shape says",
    FormatError,
    () => bytesOf(tensor({ rawData: new Uint8Array(4) })),
    /expected 8 bytes of data for float \[2\], got 4/,
  ],
  [
    "more data than the shape says",
    FormatError,
    () => bytesOf(tensor({ floatData: [1, 2, 3] })),
    /expected 2 entries of data for float \[2\], got 3/,
  ],
  ["no data", FormatError, () => bytesOf(tensor({})), /expected 2 entries of data for float \[2\], got 0/],
  [
    "a claim of 4 exabytes",
    FormatError,
    () => bytesOf(tensor({ dims: [2n ** 30n, 2n ** 30n], rawData: new Uint8Array(4) })),
    /initializer "w": expected/,
  ],
  [
    "a claim of 8 gigabytes",
    FormatError,
    () => bytesOf(tensor({ dims: [2n ** 31n], rawData: new Uint8Array(4) })),
    /expected 8589934592 bytes/,
  ],
  [
    "data in the wrong field",
    FormatError,
    () => bytesOf(tensor({ int64Data: [1n, 2n] })),
    /float tensor in floatData or rawData, got int64Data/,
  ],
  [
    "data twice",
    FormatError,
    () => bytesOf(tensor({ floatData: [1, 2], rawData: new Uint8Array(8) })),
    /one data field, got floatData, rawData/,
  ],
  [
    "strings in raw data",
    FormatError,
    () => bytesOf(tensor({ dataType: 8, rawData: new Uint8Array(8) })),
    /string tensor in stringData, got rawData/,
  ],
  [
    "an unknown element type",
    UnsupportedError,
    () => bytesOf(tensor({ dataType: 99, rawData: new Uint8Array(8) })),
    /got the code 99/,
  ],
  [
    "a tensor in segments",
    UnsupportedError,
    () => bytesOf(tensor({ rawData: new Uint8Array(8), segment: { begin: 0n } })),
    /segments/,
  ],
  [
    "external data without a file to start from",
    UnsupportedError,
    () => bytesOf(tensor({ dataLocation: TensorProto_DataLocation.EXTERNAL })),
    /read the model from its file/,
  ],
  [
    "a tensor attribute without a tensor",
    FormatError,
    () =>
      bytesOf({
        node: [{ ...relu("a", "x", "y"), attribute: [{ name: "t", type: AttributeProto_AttributeType.TENSOR }] }],
      }),
    /attribute t: expected a tensor, got none/,
  ],
];

test.each(cases)("%s is refused with a sentence that says so", (_title, kind, bytes, message) => {
  let error: unknown;
  try {
    decodeModel(bytes(), "m.onnx");
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(kind);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).toMatch(/^m\.onnx/);
});

/** Graphs in attributes of nodes of graphs, by hand: protobuf's own writer would run out of stack. */
function nestedBytes(depth: number): Uint8Array {
  let size = 0;
  const heads: number[][] = [];
  const field = (number: number) => {
    const head = [number * 8 + 2];
    for (let rest = size; ; rest = Math.floor(rest / 128)) {
      head.push(rest >= 128 ? (rest % 128) + 128 : rest);
      if (rest < 128) break;
    }
    heads.push(head);
    size += head.length;
  };
  for (let level = 0; level < depth; level++) [6, 5, 1].forEach(field);
  field(7);
  return new Uint8Array(heads.reverse().flat());
}

test("a graph input of unknown size gets a name of its own, also where the exporter wrote -1", () => {
  const { inputs } = decodeModel(bytesOf({ input: [{ name: "x", type: shapeOf(-1n, 3n) }] }), "it").graph;
  expect(inputs).toEqual([{ name: "x", dtype: "float32", dims: ["x.0", 3] }]);
});

test("a small file that claims millions of empty nodes is refused before they are made", () => {
  // 4 million nodes of two bytes each.
  const nodes = new Uint8Array(8_000_000);
  for (let index = 0; index < nodes.length; index += 2) nodes[index] = 0x0a;
  const bytes = new Uint8Array([0x3a, 0x80, 0xa4, 0xe8, 3, ...new Uint8Array(0)]);
  const whole = new Uint8Array(bytes.length + nodes.length);
  whole.set(bytes);
  whole.set(nodes, bytes.length);
  const before = process.memoryUsage().rss;
  expect(() => decodeModel(whole, "m.onnx")).toThrow(/structure fits in 1536 MiB of memory/);
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
});

test("a chain of 200,000 nodes in reverse order is sorted without exhausting the stack", () => {
  const length = 200_000;
  const node = Array.from({ length }, (_, index) =>
    relu("", index === 0 ? "x" : `t${index}`, index === length - 1 ? "y" : `t${index + 1}`),
  ).reverse();
  const { nodes } = decodeModel(bytesOf({ node }), "it").graph;
  expect([nodes[0]?.inputs[0], nodes.at(-1)?.outputs[0]]).toEqual(["x", "y"]);
});

/** Either a typed error or a model that can be written; anything else fails the test. */
function readOrRefuse(bytes: Uint8Array): Model | undefined {
  try {
    const model = decodeModel(bytes, "fuzzed");
    encodeModel(model);
    return model;
  } catch (error) {
    if (error instanceof OffmapError) return undefined;
    throw new Error("an error that is not Offmap's own", { cause: error });
  }
}

describe.each(["everything.onnx", "ir3.onnx", "torch-16.onnx"])("%s", (name) => {
  const whole = fixture(name);

  test("cut off anywhere is refused or read, and never as the whole model", () => {
    const full = decodeModel(whole, name).graph;
    for (let length = 0; length < whole.length; length += name.startsWith("torch") ? 29 : 1) {
      const model = readOrRefuse(whole.slice(0, length));
      if (model === undefined) continue;
      // A cut between two fields leaves a smaller valid message: the imports come last, then nothing else may be missing.
      expect(model.graph.nodes).toHaveLength(full.nodes.length);
    }
  });

  test("with any single byte changed is refused or read", () => {
    for (let at = 0; at < whole.length; at += name.startsWith("torch") ? 61 : 1) {
      for (const flip of [0xff, 0x01]) {
        const bytes = whole.slice();
        bytes[at] = (bytes[at] as number) ^ flip;
        readOrRefuse(bytes);
      }
    }
  });

  test("with random pieces overwritten, removed or repeated is refused or read", () => {
    const edit = fc.tuple(fc.nat(whole.length - 1), fc.nat(40), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let bytes: Uint8Array = whole;
        for (const [at, removed, added] of edits) {
          bytes = new Uint8Array([...bytes.subarray(0, at), ...added, ...bytes.subarray(at + removed)]);
        }
        readOrRefuse(bytes);
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});
