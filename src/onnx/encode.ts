/** From a {@link Model} to the bytes of an ONNX file. */
import { create, toBinary } from "@bufbuild/protobuf";
import { UnsupportedError } from "../errors.js";
import { encodeAttribute } from "./attributes.js";
import { checkModel } from "./check.js";
import { standardDomain } from "./decode.js";
import { describeNode } from "./describe.js";
import { derive, entriesOf, tensorsIn } from "./messages.js";
import {
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type ValueInfoProto,
} from "./onnx_pb.js";
import { encodeTensor } from "./tensors.js";
import { type Graph, type Model, type Node, origin } from "./types.js";
import { encodeValueInfo } from "./value-types.js";
import { protobufLimit, separateInitializersIrVersion } from "./versions.js";

/**
 * The bytes of an ONNX file. What the model took over from a file and this form does not show (doc strings, value_info,
 * functions, unknown fields) is written back; tensors are written inside the file even if they came from external ones.
 *
 * @throws GraphError when the model breaks ONNX's rules, see {@link checkModel}
 * @throws UnsupportedError when it has 2 GiB or more, which only {@link writeModel} can store
 */
export function encodeModel(model: Model): Uint8Array {
  const proto = messageOf(model);
  const size = tensorBytes(proto);
  if (size >= protobufLimit) {
    throw new UnsupportedError({
      expected: "a model of less than 2 GiB to write into one file",
      received: `${size} bytes of tensors`,
      hint: "write it with writeModel, which puts tensors into a second file",
    });
  }
  return toBinary(ModelProtoSchema, proto);
}

/** Bytes of raw data in all tensors of a model. */
export function tensorBytes(proto: ModelProto): number {
  let total = 0;
  for (const tensor of tensorsIn(proto)) total += tensor.rawData.length;
  return total;
}

/** The protobuf message of a model. Parts that did not change are shared with the message it was read from: do not change it. */
export function messageOf(model: Model): ModelProto {
  checkModel(model);
  const original = model[origin] as ModelProto | undefined;
  // Before IR version 4 every initializer is an input too. Crossing that line, the duplicates would turn constants into inputs.
  const repeats = model.irVersion < separateInitializersIrVersion;
  const keepRepeats = original !== undefined && original.irVersion < BigInt(separateInitializersIrVersion) === repeats;
  const metadata = original === undefined ? undefined : entriesOf(original.metadataProps);
  const sameMetadata =
    metadata?.size === model.metadata.size && [...model.metadata].every(([key, value]) => metadata.get(key) === value);
  return derive(ModelProtoSchema, original, {
    irVersion: BigInt(model.irVersion),
    producerName: model.producer,
    opsetImport: [...model.imports].map(
      ([domain, version]) =>
        original?.opsetImport.find(
          (known) => standardDomain(known.domain) === domain && Number(known.version) === version,
        ) ?? create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    ),
    metadataProps:
      sameMetadata && original !== undefined
        ? original.metadataProps
        : [...model.metadata].map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
    graph: encodeGraph(model.graph, "graph", keepRepeats, repeats),
  });
}

/**
 * @param keepRepeats  write back the inputs of the file that only repeated an initializer
 * @param allRepeats   declare every initializer as an input, as IR versions before 4 want it
 */
function encodeGraph(graph: Graph, where: string, keepRepeats: boolean, allRepeats: boolean): GraphProto {
  const original = graph[origin] as GraphProto | undefined;
  const named = <T extends { name: string }>(list: readonly T[] | undefined) =>
    new Map(list?.map((message) => [message.name, message]));
  const templates = named(original?.initializer);
  const outputs = named(original?.output);
  const tensors = new Set(graph.nodes.flatMap((node) => node.outputs));
  const annotated = new Set([...tensors, ...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
  return derive(GraphProtoSchema, original, {
    name: graph.name,
    node: graph.nodes.map((node) => encodeNode(node, where)),
    initializer: [...graph.initializers].map(([name, tensor]) =>
      encodeTensor(tensor, name, `initializer "${name}"`, templates.get(name)),
    ),
    input: encodeInputs(graph, where, original?.input ?? [], keepRepeats, allRepeats),
    output: graph.outputs.map((value) => encodeValueInfo(value, where, outputs.get(value.name))),
    // Declarations of tensors that a transform has removed would be wrong for a later tensor of that name.
    valueInfo: original?.valueInfo.filter(({ name }) => annotated.has(name)) ?? [],
    quantizationAnnotation:
      original?.quantizationAnnotation.filter(({ tensorName }) => annotated.has(tensorName)) ?? [],
  });
}

/** Inputs in the order of the file, those that repeat an initializer in their places; new ones at the end. */
function encodeInputs(
  graph: Graph,
  where: string,
  original: readonly ValueInfoProto[],
  keepRepeats: boolean,
  allRepeats: boolean,
): ValueInfoProto[] {
  const byName = new Map(original.map((message) => [message.name, message]));
  const inputs = graph.inputs.map((value) => encodeValueInfo(value, where, byName.get(value.name)));
  const declare = (name: string): ValueInfoProto[] => {
    const tensor = graph.initializers.get(name);
    if (tensor === undefined)
      return byName.has(name) && isSparse(graph, name) ? [byName.get(name) as ValueInfoProto] : [];
    const { dtype, dims } = tensor;
    return [
      dtype === "other" && byName.has(name)
        ? (byName.get(name) as ValueInfoProto)
        : encodeValueInfo({ name, dtype, dims }, where, byName.get(name)),
    ];
  };
  const real = new Set(graph.inputs.map(({ name }) => name));
  const result: ValueInfoProto[] = [];
  for (const { name } of original) {
    if (real.has(name)) result.push(...inputs.splice(0, 1));
    else if (keepRepeats) result.push(...declare(name));
  }
  result.push(...inputs);
  if (allRepeats) {
    const declared = new Set(result.map(({ name }) => name));
    for (const name of graph.initializers.keys()) if (!declared.has(name)) result.push(...declare(name));
  }
  return result;
}

function isSparse(graph: Graph, name: string): boolean {
  const original = graph[origin] as GraphProto | undefined;
  return original?.sparseInitializer.some(({ values }) => values?.name === name) ?? false;
}

function encodeNode(node: Node, where: string): NodeProto {
  const original = node[origin] as NodeProto | undefined;
  const attributes = new Map(original?.attribute.map((attribute) => [attribute.name, attribute]));
  const label = `${where}, ${describeNode(node)}`;
  const domain =
    original !== undefined && standardDomain(original.domain) === node.domain ? original.domain : node.domain;
  return derive(NodeProtoSchema, original, {
    name: node.name,
    opType: node.op,
    domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, attribute]) =>
      encodeAttribute(
        name,
        attribute,
        `${label}, attribute ${name}`,
        (graph) => encodeGraph(graph, label, true, false),
        attributes.get(name),
      ),
    ),
  });
}
