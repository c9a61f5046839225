/** Node attributes between protobuf and {@link Attribute}; subgraphs are left to the caller. */
import { FormatError, UnsupportedError } from "../errors.js";
import { toInt64 } from "./int64.js";
import { derive, has } from "./messages.js";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  AttributeProto_AttributeType as Type,
} from "./onnx_pb.js";
import { decodeTensor, encodeTensor } from "./tensors.js";
import type { Attribute, Graph } from "./types.js";

/** Type of an attribute in a file of IR version 1, which does not say: the one of the field that is filled. */
function guessType(proto: AttributeProto): Type {
  if (has(proto, "f")) return Type.FLOAT;
  if (has(proto, "i")) return Type.INT;
  if (has(proto, "s")) return Type.STRING;
  if (has(proto, "t")) return Type.TENSOR;
  if (has(proto, "g")) return Type.GRAPH;
  if (proto.floats.length > 0) return Type.FLOATS;
  if (proto.strings.length > 0) return Type.STRINGS;
  if (proto.ints.length > 0) return Type.INTS;
  return Type.UNDEFINED;
}

/** Reads an attribute. A field that is missing though the type names it has protobuf's default, which proto3 writers leave out. */
export function decodeAttribute(
  proto: AttributeProto,
  where: string,
  decodeGraph: (graph: GraphProto) => Graph,
): Attribute {
  if (proto.refAttrName !== "") return { kind: "other" };
  const type = proto.type === Type.UNDEFINED ? guessType(proto) : proto.type;
  const text = new TextDecoder();
  switch (type) {
    case Type.FLOAT:
      return { kind: "float", value: proto.f };
    case Type.INT:
      return { kind: "int", value: Number(proto.i) };
    case Type.STRING:
      return { kind: "string", value: text.decode(proto.s) };
    case Type.TENSOR:
      if (proto.t === undefined) throw new FormatError({ where, expected: "a tensor", received: "none" });
      return { kind: "tensor", value: decodeTensor(proto.t, where) };
    case Type.GRAPH:
      if (proto.g === undefined) throw new FormatError({ where, expected: "a graph", received: "none" });
      return { kind: "graph", value: decodeGraph(proto.g) };
    case Type.FLOATS:
      return { kind: "floats", value: proto.floats };
    case Type.INTS:
      return { kind: "ints", value: proto.ints.map(Number) };
    case Type.STRINGS:
      return { kind: "strings", value: proto.strings.map((bytes) => text.decode(bytes)) };
    default:
      return { kind: "other" };
  }
}

/** Every field that can hold a value, empty. */
const noValue = {
  f: undefined,
  i: undefined,
  s: undefined,
  t: undefined,
  g: undefined,
  tp: undefined,
  sparseTensor: undefined,
  refAttrName: undefined,
  floats: [],
  ints: [],
  strings: [],
  tensors: [],
  graphs: [],
  sparseTensors: [],
  typeProtos: [],
};

/** Writes an attribute; `original`, the message of that name on the node the file had, is kept when the value is still the same. */
export function encodeAttribute(
  name: string,
  attribute: Attribute,
  where: string,
  encodeGraph: (graph: Graph) => GraphProto,
  original?: AttributeProto,
): AttributeProto {
  const set = (changes: Parameters<typeof derive<typeof AttributeProtoSchema>>[2]) =>
    derive(AttributeProtoSchema, original, { ...noValue, name, ...changes });
  const text = new TextEncoder();
  switch (attribute.kind) {
    case "other":
      if (original === undefined) {
        throw new UnsupportedError({
          where,
          problem: "an attribute of a kind that Offmap does not model can only be written where it was read",
        });
      }
      return original;
    case "tensor": {
      const t = encodeTensor(attribute.value, original?.t?.name ?? "", where);
      return original !== undefined && original.t === t ? original : set({ type: Type.TENSOR, t });
    }
    case "graph":
      return set({ type: Type.GRAPH, g: encodeGraph(attribute.value) });
    default:
      if (original !== undefined && sameValue(original, attribute, where)) return original;
  }
  switch (attribute.kind) {
    case "float":
      return set({ type: Type.FLOAT, f: attribute.value });
    case "int":
      return set({ type: Type.INT, i: int64(attribute.value, where) });
    case "string":
      return set({ type: Type.STRING, s: text.encode(attribute.value) });
    case "floats":
      return set({ type: Type.FLOATS, floats: [...attribute.value] });
    case "ints":
      return set({ type: Type.INTS, ints: attribute.value.map((value) => int64(value, where)) });
    case "strings":
      return set({ type: Type.STRINGS, strings: attribute.value.map((value) => text.encode(value)) });
  }
}

type PlainAttribute = Exclude<Attribute, { kind: "tensor" | "graph" | "other" }>;

/** Compares as read, so that integers beyond 2^53 and strings that are not UTF-8 stay what they were. */
function sameValue(original: AttributeProto, attribute: PlainAttribute, where: string): boolean {
  if (original.t !== undefined || original.g !== undefined) return false;
  const before = decodeAttribute(original, where, () => {
    throw new FormatError({ where, expected: "no graph", received: "a graph" });
  });
  if (before.kind !== attribute.kind) return false;
  const list = (value: PlainAttribute["value"]) => (typeof value === "object" ? value : [value]);
  const [old, current] = [list((before as PlainAttribute).value), list(attribute.value)];
  return old.length === current.length && old.every((value, index) => Object.is(value, current[index]));
}

function int64(value: number, where: string): bigint {
  if (!Number.isInteger(value)) {
    throw new UnsupportedError({ where, expected: "an integer", received: String(value) });
  }
  return toInt64(value);
}
