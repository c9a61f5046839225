/** From the bytes of an ONNX file to a {@link Model}. */
import { fromBinary } from "@bufbuild/protobuf";
import { FormatError, GraphError } from "../errors.js";
import { decodeAttribute } from "./attributes.js";
import { checkModel, refuseDuplicates } from "./check.js";
import { describeNode } from "./describe.js";
import { refuseOtherFormats } from "./file-kind.js";
import { entriesOf } from "./messages.js";
import { type GraphProto, type ModelProto, ModelProtoSchema, type NodeProto } from "./onnx_pb.js";
import { decodeTensor } from "./tensors.js";
import { sortNodes } from "./topology.js";
import { type Graph, type Model, type Node, origin, type Tensor } from "./types.js";
import { decodeValueInfo } from "./value-types.js";
import { protobufLimit } from "./versions.js";
import { scanMessage } from "./wire-scan.js";

/** What reading a model may cost. */
export interface ReadLimits {
  /** Largest model file in bytes, external data not counted; 2 GiB, protobuf's own limit, by default. */
  readonly bytes?: number;
  /** Heap bytes for the decoded structure (nodes, names, numbers stored one by one; raw tensor data is shared with the file); 1.5 GiB by default. */
  readonly memory?: number;
}

const defaultMemory = 1.5 * 2 ** 30;

/**
 * Reads a model from the bytes of an ONNX file. Tensors share memory with `bytes` where their alignment allows, so the bytes
 * must not change afterwards.
 *
 * @param where  how error messages call the model, for example its path
 * @throws FormatError when the bytes are not an ONNX file, or a damaged one
 * @throws GraphError when the graph has a cycle, a missing tensor, or two of one name
 * @throws UnsupportedError for versions that ONNX Runtime 1.30 does not load, and for data in other files
 */
export function decodeModel(bytes: Uint8Array, where: string, limits: ReadLimits = {}): Model {
  return modelOf(parseModel(bytes, where, limits), where);
}

/** The protobuf message in the bytes, well-formed but otherwise unchecked. */
export function parseModel(bytes: Uint8Array, where: string, limits: ReadLimits): ModelProto {
  const { bytes: largest = protobufLimit, memory = defaultMemory } = limits;
  if (bytes.length > largest) {
    throw new FormatError({ where, expected: `at most ${largest} bytes`, received: String(bytes.length) });
  }
  refuseOtherFormats(bytes, where);
  scanMessage(bytes, ModelProtoSchema, where, memory);
  try {
    // A Buffer's slice() shares memory where a Uint8Array's copies: pass on a plain Uint8Array.
    return fromBinary(ModelProtoSchema, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    throw new FormatError({
      where,
      expected: "an ONNX model",
      received: `bytes that do not decode (${String(cause)})`,
      cause,
    });
  }
}

/** The model that a message describes, sorted and checked. */
export function modelOf(proto: ModelProto, where: string): Model {
  if (proto.graph === undefined) {
    throw new FormatError({
      where,
      expected: "an ONNX model",
      received: "a protobuf message without a graph",
      hint: "the file is truncated or of another format",
    });
  }
  const imports = importsOf(proto, where);
  const model: Model = {
    graph: decodeGraph(proto.graph, where),
    opset: imports.get("") as number,
    imports,
    irVersion: Number(proto.irVersion),
    producer: proto.producerName,
    metadata: entriesOf(proto.metadataProps),
    [origin]: proto,
  };
  checkModel(model, where);
  return model;
}

function importsOf(proto: ModelProto, where: string): Map<string, number> {
  const imports = new Map<string, number>();
  for (const { domain: written, version } of proto.opsetImport) {
    const domain = standardDomain(written);
    const known = imports.get(domain);
    if (known !== undefined && known !== Number(version)) {
      throw new GraphError({
        where,
        problem: `the operator set "${domain}" is imported in versions ${known} and ${version}`,
      });
    }
    imports.set(domain, Number(version));
  }
  if (!imports.has("")) {
    throw new FormatError({
      where,
      expected: "an import of the standard operator set (ai.onnx)",
      received: imports.size === 0 ? "no imports" : `only ${[...imports.keys()].join(", ")}`,
    });
  }
  return imports;
}

/** The standard domain has two spellings; this project uses the empty one. */
export function standardDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

function decodeGraph(proto: GraphProto, where: string): Graph {
  refuseDuplicates(
    proto.initializer.map(({ name }) => name),
    "initializer",
    where,
  );
  const initializers = new Map<string, Tensor>(
    proto.initializer.map((tensor) => [tensor.name, decodeTensor(tensor, `${where}, initializer "${tensor.name}"`)]),
  );
  const sparse = new Set(proto.sparseInitializer.map(({ values }) => values?.name));
  refuseDuplicates(
    proto.input.map(({ name }) => name),
    "graph input",
    where,
  );
  return {
    name: proto.name,
    inputs: proto.input
      .filter(({ name }) => !initializers.has(name) && !sparse.has(name))
      .map((value) => decodeValueInfo(value, where)),
    outputs: proto.output.map((value) => decodeValueInfo(value, where)),
    nodes: sortNodes(
      proto.node.map((node) => decodeNode(node, where)),
      where,
    ),
    initializers,
    [origin]: proto,
  };
}

function decodeNode(proto: NodeProto, where: string): Node {
  const node = {
    name: proto.name,
    op: proto.opType,
    domain: standardDomain(proto.domain),
    inputs: proto.input,
    outputs: proto.output,
  };
  const label = `${where}, ${describeNode(node)}`;
  refuseDuplicates(
    proto.attribute.map(({ name }) => name),
    "attribute",
    label,
  );
  const attributes = Object.fromEntries(
    proto.attribute.map((attribute) => [
      attribute.name,
      decodeAttribute(attribute, `${label}, attribute ${attribute.name}`, (graph) => decodeGraph(graph, label)),
    ]),
  );
  return { ...node, attributes, [origin]: proto };
}
