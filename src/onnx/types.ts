/**
 * The in-memory form of an ONNX file that every layer above shares. All of it is plain, immutable data: a transform takes
 * a graph and returns a new one.
 */

/** ONNX element types by the names of this project; see `TensorProto.DataType` in onnx.proto. */
export type DataType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool"
  | "string"
  | "other";

/** The array that holds a tensor's elements: `bool` in a Uint8Array, the 16-bit floats as their bits in a Uint16Array. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | readonly string[];

/** A tensor with its values, row-major. `other` covers the 4- and 8-bit float and integer types, kept as raw bytes. */
export interface Tensor {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** A dimension: a size, or a name for a size that is only known at run time (never the empty string). */
export type Dim = number | string;

/** The declared type of a graph input, output or intermediate tensor. `dims` is absent when the rank is unknown. */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims?: readonly Dim[];
}

/** A node attribute, tagged because ONNX tells `1` from `1.0`. */
export type Attribute =
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  /** Kinds that Offmap never looks into (sparse tensors, type protos, lists of graphs); kept through `origin`. */
  | { readonly kind: "other" };

export type Attributes = Readonly<Record<string, Attribute>>;

/**
 * Key under which the reader hangs the protobuf message a value came from, so that the writer keeps fields this form does
 * not model (doc strings, fields newer than the schema). It survives `{ ...node, name }`.
 */
export const origin: unique symbol = Symbol("offmap.onnx.origin");

/** One operator call. An absent optional input or output is the empty string. */
export interface Node {
  readonly name: string;
  readonly op: string;
  /** "" is the standard ONNX domain (`ai.onnx` is read as ""). */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  readonly [origin]?: unknown;
}

/** A graph. `nodes` are in topological order (the reader sorts them if the file does not). */
export interface Graph {
  readonly name: string;
  /** Inputs without those that only give an initializer's type (files before IR version 4 list both). */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly [origin]?: unknown;
}

/** A whole model file. */
export interface Model {
  readonly graph: Graph;
  /** Version of the standard operator set; other domains are in `imports`. */
  readonly opset: number;
  /** Versions of every imported operator set by domain, the standard one under "". */
  readonly imports: ReadonlyMap<string, number>;
  readonly irVersion: number;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly [origin]?: unknown;
}

export const float = (value: number): Attribute => ({ kind: "float", value });
export const int = (value: number): Attribute => ({ kind: "int", value });
export const ints = (value: readonly number[]): Attribute => ({ kind: "ints", value });
export const floats = (value: readonly number[]): Attribute => ({ kind: "floats", value });
export const text = (value: string): Attribute => ({ kind: "string", value });

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** How a shape is shown to people: `[N, 3, 32, 32]`. */
export function formatDims(dims: readonly Dim[] | undefined): string {
  return dims === undefined ? "[?]" : `[${dims.join(", ")}]`;
}
