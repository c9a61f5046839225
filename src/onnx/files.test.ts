import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as ort from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FormatError, RunError } from "../errors.js";
import { encodeModel, type Model, readHashedModel, readModel, type Tensor, writeModel } from "./index.js";
import { ModelProtoSchema, TensorProto_DataLocation } from "./onnx_pb.js";
import { newestIrVersion, newestOpset, oldestOpset } from "./versions.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-onnx-"));
});
afterEach(() => rm(folder, { recursive: true }));

const weights: Tensor = {
  dtype: "float32",
  dims: [32, 32],
  data: Float32Array.from({ length: 1024 }, (_, index) => index),
};

function modelOf(opset = 17, irVersion = 8): Model {
  return {
    graph: {
      name: "g",
      inputs: [{ name: "x", dtype: "float32", dims: [1, 32] }],
      outputs: [{ name: "y", dtype: "float32", dims: [1, 32] }],
      nodes: [{ name: "product", op: "MatMul", domain: "", inputs: ["x", "w"], outputs: ["y"], attributes: {} }],
      initializers: new Map([["w", weights]]),
    },
    opset,
    imports: new Map([["", opset]]),
    irVersion,
    producer: "test",
    metadata: new Map(),
  };
}

/** Writes a model whose tensor "w" refers to external data with the given entries. */
async function writeExternal(entries: Record<string, string>, path = join(folder, "m.onnx")): Promise<string> {
  const proto = fromBinary(ModelProtoSchema, encodeModel(modelOf()));
  const [tensor] = proto.graph?.initializer ?? [];
  if (tensor === undefined) throw new Error("no tensor");
  delete (tensor as Partial<typeof tensor>).rawData;
  tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
  const full = create(ModelProtoSchema, {
    graph: { initializer: [{ externalData: Object.entries(entries).map(([key, value]) => ({ key, value })) }] },
  });
  tensor.externalData = full.graph?.initializer[0]?.externalData ?? [];
  await writeFile(path, toBinary(ModelProtoSchema, proto));
  return path;
}

const dataBytes = new Uint8Array((weights.data as Float32Array).buffer as ArrayBuffer);

describe("a path that is no model", () => {
  test("that does not exist is named in the error", async () => {
    await expect(readModel(join(folder, "none.onnx"))).rejects.toThrow(
      /none.onnx: expected an ONNX file, got no such file/,
    );
  });
  test("that is a directory is refused as one", async () => {
    await expect(readModel(folder)).rejects.toThrow(/got a directory; give the .onnx file inside it/);
  });
  test("that is a device is refused instead of read without end", async () => {
    await expect(readModel("/dev/zero")).rejects.toThrow(/not a regular file/);
  });
  test("that is larger than the limit is refused without reading it", async () => {
    const path = join(folder, "m.onnx");
    await writeModel(modelOf(), path);
    await expect(readModel(path, { bytes: 100 })).rejects.toThrow(/at most 100 bytes, got \d+ bytes/);
  });
});

describe("external data", () => {
  test("is read at its offset, and written back inside the file", async () => {
    const path = await writeExternal({ location: "w.bin", offset: "8", length: "4096" });
    await writeFile(join(folder, "w.bin"), new Uint8Array([...new Uint8Array(8).fill(9), ...dataBytes]));
    const model = await readModel(path);
    expect(model.graph.initializers.get("w")).toEqual(weights);
    await rm(join(folder, "w.bin"));
    const copy = join(folder, "copy.onnx");
    await writeModel(model, copy);
    expect((await readModel(copy)).graph.initializers.get("w")).toEqual(weights);
  });

  test("is part of what tells a model from another; other bytes of its file are not", async () => {
    const path = await writeExternal({ location: "w.bin", length: "4096" });
    const digestWith = async (bytes: Uint8Array) => {
      await writeFile(join(folder, "w.bin"), bytes);
      return (await readHashedModel(path)).digest;
    };
    const first = await digestWith(dataBytes);
    expect(await digestWith(dataBytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte)))).not.toBe(first);
    expect(await digestWith(new Uint8Array([...dataBytes, 1]))).toBe(first);
    const inside = join(folder, "inside.onnx");
    await writeModel(modelOf(), inside);
    const own = createHash("sha256")
      .update(await readFile(inside))
      .digest("hex");
    expect((await readHashedModel(inside)).digest).toBe(own);
  });

  test("without offset and length is the whole file", async () => {
    const path = await writeExternal({ location: "sub/w.bin" });
    await mkdir(join(folder, "sub"));
    await writeFile(join(folder, "sub", "w.bin"), dataBytes);
    expect((await readModel(path)).graph.initializers.get("w")).toEqual(weights);
  });

  test.each(["../secret", "sub/../../secret", "..\\secret", "/etc/passwd", "C:\\secret", "", "a\0b"])(
    "at %j is refused, because it leaves the model's folder",
    async (location) => {
      const path = await writeExternal({ location });
      await expect(readModel(path)).rejects.toThrow(/tensor "w": expected external data in the model's own folder/);
    },
  );

  test("behind a link that leads out of the folder is refused", async () => {
    await mkdir(join(folder, "models"));
    await writeFile(join(folder, "secret"), dataBytes);
    await symlink(join(folder, "secret"), join(folder, "models", "w.bin"));
    const path = await writeExternal({ location: "w.bin" }, join(folder, "models", "m.onnx"));
    await expect(readModel(path)).rejects.toThrow(/a link that leads out of it/);
  });

  test("in a model cache, where model and data are both links to one store, is read", async () => {
    await mkdir(join(folder, "blobs"));
    await mkdir(join(folder, "snapshot"));
    await writeExternal({ location: "w.bin" }, join(folder, "blobs", "1"));
    await writeFile(join(folder, "blobs", "2"), dataBytes);
    await symlink(join(folder, "blobs", "1"), join(folder, "snapshot", "m.onnx"));
    await symlink(join(folder, "blobs", "2"), join(folder, "snapshot", "w.bin"));
    expect((await readModel(join(folder, "snapshot", "m.onnx"))).graph.initializers.get("w")).toEqual(weights);
  });

  test.each([
    [{ location: "none.bin" }, /its data in "none.bin", got no such file/],
    [{ location: "w.bin", offset: "4096", length: "1" }, /1 bytes at 4096 in "w.bin", got 4096 bytes/],
    [{ location: "w.bin", offset: "4097" }, /got 4096 bytes; the data file is truncated/],
    [{ location: "w.bin", length: "99999999999" }, /99999999999 bytes at 0 in "w.bin", got 4096 bytes/],
    [{ location: "w.bin", length: "-1" }, /a number of bytes as the length of external data, got "-1"/],
    [{ location: "w.bin", offset: "1e3" }, /a number of bytes as the offset of external data/],
    [{ location: "w.bin", length: "4000" }, /expected 4096 bytes of data for float \[32, 32\], got 4000/],
    [{ location: "folder" }, /got not a regular file/],
  ])("given as %j is refused", async (entries, message) => {
    await writeFile(join(folder, "w.bin"), dataBytes);
    await mkdir(join(folder, "folder"));
    const path = await writeExternal(entries as Record<string, string>);
    const error = await readModel(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(message);
  });

  test("that does not say how long it is takes what the tensor needs", async () => {
    const path = await writeExternal({ location: "w.bin" });
    const proto = fromBinary(ModelProtoSchema, await readFile(path));
    const tensor = proto.graph?.initializer[0];
    if (tensor === undefined || proto.graph === undefined) throw new Error("no tensor");
    const offset = { ...tensor.externalData[0], key: "offset", value: "4096" } as (typeof tensor.externalData)[0];
    proto.graph.initializer.push({ ...tensor, name: "v", externalData: [...tensor.externalData, offset] });
    await writeFile(path, toBinary(ModelProtoSchema, proto));
    await writeFile(join(folder, "w.bin"), Buffer.concat([dataBytes, Buffer.from(dataBytes).reverse()]));
    const { initializers } = (await readModel(path)).graph;
    expect(initializers.get("w")).toEqual(weights);
    expect(initializers.get("v")?.data).toHaveLength(1024);
    expect(initializers.get("v")?.data).not.toEqual(weights.data);
  });

  test("of a tensor of negative size is refused, also where nothing else says how long it is", async () => {
    const path = await writeExternal({ location: "w.bin" });
    const proto = fromBinary(ModelProtoSchema, await readFile(path));
    for (const tensor of proto.graph?.initializer ?? []) tensor.dims = [-1n, 32n];
    await writeFile(path, toBinary(ModelProtoSchema, proto));
    await writeFile(join(folder, "w.bin"), dataBytes);
    await expect(readModel(path)).rejects.toThrow('tensor "w": expected dimensions of 0 or more, got [-1, 32]');
  });

  test("that many tensors claim from one small file is refused instead of multiplied", async () => {
    const path = await writeExternal({ location: "w.bin", offset: "0", length: "4096" });
    const proto = fromBinary(ModelProtoSchema, await readFile(path));
    const tensor = proto.graph?.initializer[0];
    if (tensor === undefined || proto.graph === undefined) throw new Error("no tensor");
    const entry = (key: string, value: string) =>
      ({ ...tensor.externalData[0], key, value }) as (typeof tensor.externalData)[0];
    for (const start of [1, 2, 3]) {
      const externalData = [entry("location", "w.bin"), entry("offset", String(start)), entry("length", "4000")];
      proto.graph.initializer.push({ ...tensor, name: `w${start}`, externalData });
    }
    await writeFile(path, toBinary(ModelProtoSchema, proto));
    await writeFile(join(folder, "w.bin"), dataBytes);
    await expect(readModel(path)).rejects.toThrow(/external tensors that do not overlap in "w.bin"/);
  });
});

describe("writing", () => {
  test("leaves the old file and no litter when the folder cannot take the new one", async () => {
    const path = join(folder, "taken");
    await mkdir(path);
    await expect(writeModel(modelOf(), path)).rejects.toBeInstanceOf(RunError);
    await expect(writeModel(modelOf(), join(folder, "none", "m.onnx"))).rejects.toThrow(
      /none\/m.onnx: it could not be written: its folder does not exist/,
    );
    expect(await readdir(folder)).toEqual(["taken"]);
  });

  test("puts tensors beyond one file's limit into a second one that ONNX Runtime and the reader find", async () => {
    const path = join(folder, "big.onnx");
    await writeModel(modelOf(), path, 1000);
    const files = (await readdir(folder)).sort();
    expect(files).toEqual(["big.onnx", expect.stringMatching(/^big\.onnx\.[0-9a-f]{12}\.data$/)]);
    expect((await readFile(path)).length).toBeLessThan(1000);
    expect((await readModel(path)).graph.initializers.get("w")).toEqual(weights);
    const x = new ort.Tensor("float32", new Float32Array(32).fill(1), [1, 32]);
    const inline = await (await ort.InferenceSession.create(encodeModel(modelOf()))).run({ x });
    const external = await (await ort.InferenceSession.create(path)).run({ x });
    expect(external.y?.data).toEqual(inline.y?.data);
  });
});

describe("ONNX Runtime", () => {
  const loads = async (model: Model, patch: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes) => {
    const session = await ort.InferenceSession.create(patch(encodeModel(model)), { logSeverityLevel: 4 });
    await session.release();
  };
  const withVersions = (opset: bigint, ir: bigint) => (bytes: Uint8Array) => {
    const proto = fromBinary(ModelProtoSchema, bytes);
    proto.irVersion = ir;
    for (const entry of proto.opsetImport) entry.version = opset;
    return toBinary(ModelProtoSchema, proto);
  };

  test("loads the oldest and the newest versions that the reader lets through", async () => {
    await loads(modelOf(oldestOpset, 3));
    await loads(modelOf(newestOpset, newestIrVersion));
  });

  test("refuses the versions that the reader refuses, so that its limits are not too low", async () => {
    await expect(loads(modelOf(), withVersions(BigInt(newestOpset + 1), 8n))).rejects.toThrow(/[Oo]pset/);
    await expect(loads(modelOf(), withVersions(17n, BigInt(newestIrVersion + 1)))).rejects.toThrow(/IR version/);
  });
});
