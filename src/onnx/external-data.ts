/** Tensors that a model keeps in files beside it (`TensorProto.external_data`). */
import { type FileHandle, open, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, sep, win32 } from "node:path";
import { create } from "@bufbuild/protobuf";
import { FormatError } from "../errors.js";
import { elementTypeOf } from "./element-types.js";
import { derive, entriesOf, has, tensorsIn } from "./messages.js";
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "./onnx_pb.js";

/** Tensors below this size stay in the model file; the value that ONNX's own tools use. */
const smallestExternalTensor = 1024;
/** ONNX recommends that tensors start at multiples of a page, so that they can be mapped. */
const pageSize = 4096;
/** Node reads at most 2 GiB at a time. */
const largestRead = 2 ** 30;

interface Range {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Loads all external tensors of a freshly parsed model into the message, as if they had been in the file.
 *
 * @returns what was loaded, in the order of the tensors
 * @throws FormatError when a reference leaves the folder of the model or exceeds the file it names
 */
export async function loadExternalData(proto: ModelProto, path: string): Promise<Uint8Array[]> {
  const loaded: Uint8Array[] = [];
  const files = new Map<string, ExternalFile>();
  try {
    for (const tensor of tensorsIn(proto)) {
      if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) continue;
      const where = `${path}, tensor "${tensor.name}"`;
      const range = rangeOf(tensor, where);
      let file = files.get(range.location);
      if (file === undefined) {
        file = await ExternalFile.open(path, range.location, where);
        files.set(range.location, file);
      }
      tensor.rawData = await file.read(range, where);
      loaded.push(tensor.rawData);
      tensor.externalData = [];
      delete (tensor as Partial<TensorProto>).dataLocation;
    }
  } finally {
    for (const file of files.values()) await file.close();
  }
  return loaded;
}

function rangeOf(tensor: TensorProto, where: string): Range {
  const entries = entriesOf(tensor.externalData);
  const location = entries.get("location") ?? "";
  const parts = location.split(/[/\\]/);
  if (
    location === "" ||
    isAbsolute(location) ||
    win32.isAbsolute(location) ||
    parts.includes("..") ||
    location.includes("\0")
  ) {
    throw new FormatError({
      where,
      expected: "external data in the model's own folder",
      received: JSON.stringify(location),
      hint: "Offmap opens no other files on behalf of a model",
    });
  }
  const integer = (key: string) => {
    const value = entries.get(key);
    if (value === undefined) return undefined;
    if (!/^\d{1,15}$/.test(value)) {
      throw new FormatError({
        where,
        expected: `a number of bytes as the ${key} of external data`,
        received: JSON.stringify(value),
      });
    }
    return Number(value);
  };
  return { location, offset: integer("offset") ?? 0, length: integer("length") ?? bytesOf(tensor, where) };
}

/** What a tensor takes, for references that do not say how long they are; ONNX Runtime reads as much. */
function bytesOf({ dims, dataType }: TensorProto, where: string): number {
  if (dims.some((size) => size < 0n)) {
    throw new FormatError({ where, expected: "dimensions of 0 or more", received: `[${dims.join(", ")}]` });
  }
  const { bits } = elementTypeOf(dataType, where);
  const elements = dims.reduce((product, size) => product * Number(size), 1);
  return Math.ceil((elements * bits) / 8);
}

class ExternalFile {
  private readonly loaded = new Map<string, Uint8Array>();
  private total = 0;

  private constructor(
    private readonly handle: FileHandle,
    private readonly location: string,
    private readonly size: number,
  ) {}

  static async open(model: string, location: string, where: string): Promise<ExternalFile> {
    const named = join(dirname(model), location);
    let target: string;
    let folders: string[];
    try {
      target = await realpath(named);
      // Model caches keep files under other names and link to them; the data may then lie beside the model's target.
      folders = [await realpath(dirname(model)), dirname(await realpath(model))];
    } catch (cause) {
      throw new FormatError({
        where,
        expected: `its data in ${JSON.stringify(location)}`,
        received: "no such file",
        hint: "keep the model and its data files in one folder",
        cause,
      });
    }
    if (!folders.some((folder) => isInside(folder, target))) {
      throw new FormatError({
        where,
        expected: "external data in the model's own folder",
        received: `${JSON.stringify(location)}, a link that leads out of it`,
      });
    }
    const handle = await open(target, "r");
    const stats = await handle.stat();
    if (!stats.isFile()) {
      await handle.close();
      throw new FormatError({
        where,
        expected: `its data in ${JSON.stringify(location)}`,
        received: "not a regular file",
      });
    }
    return new ExternalFile(handle, location, stats.size);
  }

  async read({ offset, length }: Range, where: string): Promise<Uint8Array> {
    const received = `${this.size} bytes`;
    if (offset > this.size || length > this.size - offset) {
      throw new FormatError({
        where,
        expected: `${length} bytes at ${offset} in ${JSON.stringify(this.location)}`,
        received,
        hint: "the data file is truncated or belongs to another model",
      });
    }
    const key = `${offset}+${length}`;
    const known = this.loaded.get(key);
    if (known !== undefined) return known;
    this.total += length;
    // Tensors may share a range, but ranges that overlap otherwise could claim any amount of memory from a small file.
    if (this.total > this.size) {
      throw new FormatError({
        where,
        expected: `external tensors that do not overlap in ${JSON.stringify(this.location)}`,
        received,
      });
    }
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.handle.read(bytes, done, Math.min(length - done, largestRead), offset + done);
      if (bytesRead === 0) throw new FormatError({ where, expected: `${length} bytes`, received: String(done) });
      done += bytesRead;
    }
    this.loaded.set(key, bytes);
    return bytes;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

function isInside(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== "" && inside !== ".." && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}

/** A model message whose large initializers refer to a second file, and what that file must hold, in order. */
export function externalize(proto: ModelProto, dataPath: string): { model: ModelProto; chunks: Uint8Array[] } {
  const chunks: Uint8Array[] = [];
  let offset = 0;
  const initializer = proto.graph?.initializer.map((tensor) => {
    if (!has(tensor, "rawData") || tensor.rawData.length < smallestExternalTensor) return tensor;
    const padding = (pageSize - (offset % pageSize)) % pageSize;
    chunks.push(new Uint8Array(padding), tensor.rawData);
    const start = offset + padding;
    offset = start + tensor.rawData.length;
    const entries = { location: basename(dataPath), offset: String(start), length: String(tensor.rawData.length) };
    return derive(TensorProtoSchema, tensor, {
      rawData: undefined,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
    });
  });
  const graph = derive(GraphProtoSchema, proto.graph, { initializer: initializer ?? [] });
  return { model: derive(ModelProtoSchema, proto, { graph }), chunks };
}
