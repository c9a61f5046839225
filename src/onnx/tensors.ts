/** Tensors between protobuf and typed arrays, without copying where the bytes lie right. */
import { FormatError, ShapeError, UnsupportedError } from "../errors.js";
import { type ElementType, elementTypeNamed, elementTypeOf } from "./element-types.js";
import { derive, has } from "./messages.js";
import { type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from "./onnx_pb.js";
import { type DataType, formatDims, type Tensor, type TensorData } from "./types.js";

/** The message each tensor was read from, so that an unchanged tensor is written back as it was, bytes shared. */
const origins = new WeakMap<Tensor, TensorProto>();

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  other: Uint8Array,
} as const satisfies Partial<Record<DataType, unknown>>;

type NumericType = keyof typeof arrays;

const elementFields = ["floatData", "doubleData", "int32Data", "int64Data", "uint64Data", "stringData"] as const;

/**
 * Reads a tensor.
 *
 * @throws FormatError when the shape and the data disagree; the data is never allocated from the shape's claim
 */
export function decodeTensor(proto: TensorProto, where: string): Tensor {
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    throw new UnsupportedError({
      where,
      expected: "tensor data inside the file",
      received: "a reference to another file",
      hint: "read the model from its file, not from bytes",
    });
  }
  if (proto.segment !== undefined) {
    throw new UnsupportedError({ where, problem: "tensors split into segments are not supported" });
  }
  const element = elementTypeOf(proto.dataType, where);
  const dims = decodeDims(proto.dims, where);
  const count = countOf(dims, where);
  const filled = elementFields.filter((field) => proto[field].length > 0);
  const raw = has(proto, "rawData") && (proto.rawData.length > 0 || filled.length === 0);
  if (filled.length + (raw ? 1 : 0) > 1) {
    throw new FormatError({
      where,
      expected: "one data field",
      received: [...filled, ...(raw ? ["rawData"] : [])].join(", "),
    });
  }
  const field = filled[0];
  if (raw ? element.dtype === "string" : field !== undefined && field !== element.field) {
    throw new FormatError({
      where,
      expected: `the elements of a ${element.name} tensor in ${element.field}${element.dtype === "string" ? "" : " or rawData"}`,
      received: raw ? "rawData" : (field as string),
    });
  }
  const expected = raw ? Math.ceil((count * element.bits) / 8) : Math.ceil(count * element.entries);
  const actual = raw ? proto.rawData.length : proto[element.field].length;
  if (actual !== expected) {
    throw new FormatError({
      where,
      expected: `${expected} ${raw ? "bytes" : "entries"} of data for ${element.name} ${formatDims(dims)}`,
      received: String(actual),
    });
  }
  const data = raw ? viewBytes(element.dtype as NumericType, proto.rawData) : fromEntries(element, proto);
  const tensor: Tensor = { dtype: element.dtype, dims, data };
  origins.set(tensor, proto);
  return tensor;
}

function decodeDims(dims: readonly bigint[], where: string): number[] {
  return dims.map((size) => {
    if (size < 0n || size > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new FormatError({ where, expected: "dimensions of 0 or more", received: `[${dims.join(", ")}]` });
    }
    return Number(size);
  });
}

function countOf(dims: readonly number[], where: string): number {
  if (dims.includes(0)) return 0;
  let count = 1;
  for (const size of dims) {
    count *= size;
    if (count > Number.MAX_SAFE_INTEGER) {
      throw new FormatError({ where, expected: "a tensor that fits in memory", received: formatDims(dims) });
    }
  }
  return count;
}

/** Raw data is little-endian, as is every machine that Node's ONNX Runtime is built for. */
function viewBytes(dtype: NumericType, bytes: Uint8Array): TensorData {
  const array = arrays[dtype];
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new array(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / array.BYTES_PER_ELEMENT);
}

function fromEntries({ dtype, field }: ElementType, proto: TensorProto): TensorData {
  switch (dtype) {
    case "string": {
      const decoder = new TextDecoder();
      return proto.stringData.map((bytes) => decoder.decode(bytes));
    }
    case "int64":
      return BigInt64Array.from(proto.int64Data);
    case "uint64":
      return BigUint64Array.from(proto.uint64Data);
    case "uint32":
      return Uint32Array.from(proto.uint64Data, Number);
    case "other": {
      if (field === "floatData") return bytesOf(Float32Array.from(proto.floatData));
      if (field === "doubleData") return bytesOf(Float64Array.from(proto.doubleData));
      return Uint8Array.from(proto.int32Data);
    }
    case "float32":
      return Float32Array.from(proto.floatData);
    case "float64":
      return Float64Array.from(proto.doubleData);
    default:
      return arrays[dtype].from(proto.int32Data);
  }
}

function bytesOf(data: Exclude<TensorData, readonly string[]>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}

/**
 * Writes a tensor. One that came from a file and was not replaced is written as it was there.
 *
 * @param template  message whose other fields (doc string, metadata, unknown fields) a new tensor takes over
 */
export function encodeTensor(tensor: Tensor, name: string, where: string, template?: TensorProto): TensorProto {
  const original = origins.get(tensor);
  if (original !== undefined) return original.name === name ? original : derive(TensorProtoSchema, original, { name });
  checkTensor(tensor, where);
  const element = elementTypeNamed(tensor.dtype, where);
  const encoder = new TextEncoder();
  const text = tensor.dtype === "string" ? (tensor.data as readonly string[]) : undefined;
  return derive(TensorProtoSchema, template, {
    name,
    dims: tensor.dims.map(BigInt),
    dataType: element.code,
    floatData: [],
    doubleData: [],
    int32Data: [],
    int64Data: [],
    uint64Data: [],
    stringData: text?.map((value) => encoder.encode(value)) ?? [],
    rawData: text === undefined ? bytesOf(tensor.data as Exclude<TensorData, readonly string[]>) : undefined,
  });
}

/** Throws when the shape is impossible or the data does not have the shape's type or length. */
export function checkTensor(tensor: Tensor, where: string): void {
  if (origins.has(tensor)) return;
  const { dtype, dims, data } = tensor;
  if (dims.some((size) => !Number.isSafeInteger(size) || size < 0)) {
    throw new ShapeError({ where, expected: "dimensions of 0 or more", received: formatDims(dims) });
  }
  const expectedArray = dtype === "string" ? Array : arrays[dtype];
  if (!(data instanceof expectedArray)) {
    throw new ShapeError({
      where,
      expected: `${dtype} data in a ${expectedArray.name}`,
      received: data.constructor.name,
    });
  }
  const count = countOf(dims, where);
  if (dtype !== "other" && data.length !== count) {
    throw new ShapeError({
      where,
      expected: `${count} elements for ${formatDims(dims)}`,
      received: String(data.length),
    });
  }
}
