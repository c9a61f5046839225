/** Declared types of graph inputs and outputs between protobuf and {@link ValueInfo}. */
import { create } from "@bufbuild/protobuf";
import { FormatError, UnsupportedError } from "../errors.js";
import { dtypeOf, elementTypeNamed } from "./element-types.js";
import { derive } from "./messages.js";
import {
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx_pb.js";
import type { Dim, ValueInfo } from "./types.js";

/** Reads a declaration. What is no tensor (sequences, maps, optionals) has the type "other" and no dimensions. */
export function decodeValueInfo(proto: ValueInfoProto, where: string): ValueInfo {
  const { name } = proto;
  const type = proto.type?.value;
  if (type?.case !== "tensorType") return { name, dtype: "other" };
  const { elemType, shape } = type.value;
  const dtype = dtypeOf(elemType);
  if (shape === undefined) return { name, dtype };
  const dims = shape.dim.map(({ value }, axis): Dim => {
    if (value.case === "dimParam" && value.value !== "") return value.value;
    // Some exporters write -1 for a size that is only known at run time. Each such size gets a name of its own.
    if (value.case !== "dimValue" || value.value === -1n) return `${name}.${axis}`;
    if (value.value < 0n || value.value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new FormatError({
        where: `${where}, "${name}"`,
        expected: "dimensions of 0 or more",
        received: String(value.value),
      });
    }
    return Number(value.value);
  });
  return { name, dtype, dims };
}

function sameType(a: ValueInfo, b: ValueInfo): boolean {
  return (
    a.name === b.name &&
    a.dtype === b.dtype &&
    (a.dims === undefined || b.dims === undefined
      ? a.dims === b.dims
      : a.dims.length === b.dims.length && a.dims.every((dim, axis) => dim === b.dims?.[axis]))
  );
}

/** Writes a declaration; `original`, the message of that name in the file, is kept when the type is still the same. */
export function encodeValueInfo(value: ValueInfo, where: string, original?: ValueInfoProto): ValueInfoProto {
  if (original !== undefined && sameType(decodeValueInfo(original, where), value)) return original;
  const { name, dtype, dims } = value;
  if (dtype === "other") {
    throw new UnsupportedError({
      where: `${where}, "${name}"`,
      expected: "a tensor type to declare",
      received: "other",
    });
  }
  const shape =
    dims === undefined
      ? undefined
      : create(TensorShapeProtoSchema, {
          dim: dims.map((dim) =>
            create(TensorShapeProto_DimensionSchema, {
              value:
                typeof dim === "string" ? { case: "dimParam", value: dim } : { case: "dimValue", value: BigInt(dim) },
            }),
          ),
        });
  const tensor = derive(TypeProto_TensorSchema, undefined, {
    elemType: elementTypeNamed(dtype, where).code,
    shape,
  });
  return derive(ValueInfoProtoSchema, original, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensor } }),
  });
}
