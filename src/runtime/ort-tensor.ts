import * as ort from "onnxruntime-node";
import { UnsupportedError } from "../errors.js";
import type { DataType, Tensor } from "../onnx/types.js";

/** Types that ONNX Runtime's JavaScript tensors hold under the same name. */
const supported: readonly DataType[] = [
  "float32",
  "float64",
  "float16",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "bool",
  "string",
]; // prettier-ignore

export function toOrt({ dtype, dims, data }: Tensor, name: string): ort.Tensor {
  if (!supported.includes(dtype)) {
    throw new UnsupportedError({
      where: `tensor "${name}"`,
      expected: "an element type that ONNX Runtime takes from JavaScript",
      received: dtype,
    });
  }
  return new ort.Tensor(dtype as ort.Tensor.Type, data as ort.Tensor.DataType, dims as number[]);
}

export function fromOrt(tensor: ort.Tensor): Tensor {
  return { dtype: tensor.type as DataType, dims: tensor.dims, data: tensor.data as Tensor["data"] };
}
