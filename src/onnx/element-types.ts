/** ONNX element types: their codes, widths and the protobuf field that holds them (`TensorProto.DataType` in onnx.proto). */
import { UnsupportedError } from "../errors.js";
import { TensorProto_DataType as Code } from "./onnx_pb.js";
import type { DataType } from "./types.js";

/** Fields of TensorProto that hold elements one by one, as opposed to `rawData`. */
export type ElementField = "floatData" | "doubleData" | "int32Data" | "int64Data" | "uint64Data" | "stringData";

export interface ElementType {
  readonly code: number;
  /** Name in error messages. */
  readonly name: string;
  readonly dtype: DataType;
  /** Bits of an element in `rawData`; 0 for strings. */
  readonly bits: number;
  readonly field: ElementField;
  /** Entries of `field` per element; below 1 for types that are packed into bytes. */
  readonly entries: number;
}

const type = (code: Code, dtype: DataType, bits: number, field: ElementField, entries = 1): ElementType => ({
  code,
  name: Code[code].toLowerCase(),
  dtype,
  bits,
  field,
  entries,
});

const elementTypes: readonly ElementType[] = [
  type(Code.FLOAT, "float32", 32, "floatData"),
  type(Code.UINT8, "uint8", 8, "int32Data"),
  type(Code.INT8, "int8", 8, "int32Data"),
  type(Code.UINT16, "uint16", 16, "int32Data"),
  type(Code.INT16, "int16", 16, "int32Data"),
  type(Code.INT32, "int32", 32, "int32Data"),
  type(Code.INT64, "int64", 64, "int64Data"),
  type(Code.STRING, "string", 0, "stringData"),
  type(Code.BOOL, "bool", 8, "int32Data"),
  type(Code.FLOAT16, "float16", 16, "int32Data"),
  type(Code.DOUBLE, "float64", 64, "doubleData"),
  type(Code.UINT32, "uint32", 32, "uint64Data"),
  type(Code.UINT64, "uint64", 64, "uint64Data"),
  type(Code.BFLOAT16, "bfloat16", 16, "int32Data"),
  type(Code.COMPLEX64, "other", 64, "floatData", 2),
  type(Code.COMPLEX128, "other", 128, "doubleData", 2),
  type(Code.FLOAT8E4M3FN, "other", 8, "int32Data"),
  type(Code.FLOAT8E4M3FNUZ, "other", 8, "int32Data"),
  type(Code.FLOAT8E5M2, "other", 8, "int32Data"),
  type(Code.FLOAT8E5M2FNUZ, "other", 8, "int32Data"),
  type(Code.FLOAT8E8M0, "other", 8, "int32Data"),
  type(Code.UINT4, "other", 4, "int32Data", 1 / 2),
  type(Code.INT4, "other", 4, "int32Data", 1 / 2),
  type(Code.FLOAT4E2M1, "other", 4, "int32Data", 1 / 2),
  type(Code.UINT2, "other", 2, "int32Data", 1 / 4),
  type(Code.INT2, "other", 2, "int32Data", 1 / 4),
];

const byCode = new Map(elementTypes.map((element) => [element.code, element]));
const byName = new Map(
  elementTypes.filter(({ dtype }) => dtype !== "other").map((element) => [element.dtype, element]),
);

/** The element type of a code in a file. */
export function elementTypeOf(code: number, where: string): ElementType {
  const element = byCode.get(code);
  if (element === undefined) {
    throw new UnsupportedError({ where, expected: "an element type of ONNX", received: `the code ${code}` });
  }
  return element;
}

/** The element type to write; "other" has none, because that name does not say which it is. */
export function elementTypeNamed(dtype: DataType, where: string): ElementType {
  const element = byName.get(dtype);
  if (element === undefined) {
    throw new UnsupportedError({
      where,
      expected: "an element type that Offmap can write",
      received: dtype,
      hint: "tensors of 4- and 8-bit float types are written only as they were read",
    });
  }
  return element;
}

/** The name of an element type code, or "other" when it is none that Offmap computes with. */
export function dtypeOf(code: number): DataType {
  return byCode.get(code)?.dtype ?? "other";
}
