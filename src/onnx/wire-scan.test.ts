import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { TensorProtoSchema } from "./onnx_pb.js";
import { scanMessage } from "./wire-scan.js";

test("weights as lists of numbers that take too much memory are not called damaged: the same in bytes pass", () => {
  const scan = (tensor: { floatData: number[] } | { rawData: Uint8Array }): void =>
    scanMessage(toBinary(TensorProtoSchema, create(TensorProtoSchema, tensor)), TensorProtoSchema, "m.onnx", 2 ** 20);
  expect(() => scan({ floatData: new Array<number>(200_000).fill(0.5) })).toThrow(
    /\(float_data\): expected a model whose structure fits in 1 MiB of memory, got one that needs more; if its weights are lists of numbers \(float_data\), save them as raw_data$/,
  );
  expect(() => scan({ rawData: new Uint8Array(800_000) })).not.toThrow();
});
