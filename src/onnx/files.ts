/** ONNX models on disk. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { toBinary } from "@bufbuild/protobuf";
import { FormatError } from "../errors.js";
import { writeFileAtomic } from "../files.js";
import { modelOf, parseModel, type ReadLimits } from "./decode.js";
import { messageOf, tensorBytes } from "./encode.js";
import { externalize, loadExternalData } from "./external-data.js";
import { ModelProtoSchema } from "./onnx_pb.js";
import type { Model } from "./types.js";
import { protobufLimit } from "./versions.js";

/**
 * Reads an ONNX file together with its external data, which must lie in the same folder or below it.
 *
 * @throws FormatError | GraphError | UnsupportedError as `decodeModel` does, and when the file cannot be read
 */
export async function readModel(path: string, limits: ReadLimits = {}): Promise<Model> {
  return modelOf((await readMessage(path, limits)).proto, path);
}

/**
 * {@link readModel}, and what tells the model from any other: the SHA-256, in hexadecimal, of the file and of the external data that it
 * names. A network exported anew may differ in the latter alone.
 */
export async function readHashedModel(path: string): Promise<{ readonly model: Model; readonly digest: string }> {
  const { bytes, proto, external } = await readMessage(path, {});
  const hash = createHash("sha256").update(bytes);
  for (const data of external) hash.update(data);
  return { model: modelOf(proto, path), digest: hash.digest("hex") };
}

async function readMessage(path: string, limits: ReadLimits) {
  const bytes = await readBytes(path, limits.bytes ?? protobufLimit);
  const proto = parseModel(bytes, path, limits);
  return { bytes, proto, external: await loadExternalData(proto, path) };
}

async function readBytes(path: string, largest: number): Promise<Uint8Array> {
  const expected = "an ONNX file";
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) {
      throw new FormatError({ where: path, expected, received: "a directory", hint: "give the .onnx file inside it" });
    }
    if (!stats.isFile()) throw new FormatError({ where: path, expected, received: "not a regular file" });
    if (stats.size > largest) {
      throw new FormatError({
        where: path,
        expected: `${expected} of at most ${largest} bytes`,
        received: `${stats.size} bytes`,
        hint: "larger models keep their tensors in external data files",
      });
    }
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    const reasons: Record<string, string> = {
      ENOENT: "no such file",
      ENOTDIR: "no such file",
      EACCES: "a file that may not be read",
    };
    throw new FormatError({ where: path, expected, received: reasons[code ?? ""] ?? String(cause), cause });
  }
}

/**
 * Writes a model as an ONNX file. The file appears whole or not at all: it is written under a temporary name and renamed.
 * Everything goes into one file; only when the tensors exceed 2 GiB, which protobuf cannot hold, are the large ones put
 * into a second file beside it, `NAME.<hash of its content>.data`, so that an older model of the same name stays valid.
 *
 * @param inlineLimit  most bytes of tensors to keep in one file; 1 MiB under 2 GiB by default, room for everything else
 * @throws RunError when the disk is full or the folder cannot be written
 */
export async function writeModel(model: Model, path: string, inlineLimit = protobufLimit - 2 ** 20): Promise<void> {
  const proto = messageOf(model);
  if (tensorBytes(proto) <= inlineLimit) {
    await writeFileAtomic(path, toBinary(ModelProtoSchema, proto));
    return;
  }
  const hash = createHash("sha256");
  for (const chunk of externalize(proto, path).chunks) hash.update(chunk);
  const dataPath = `${path}.${hash.digest("hex").slice(0, 12)}.data`;
  const { model: small, chunks } = externalize(proto, dataPath);
  await writeFileAtomic(dataPath, ...chunks);
  await writeFileAtomic(path, toBinary(ModelProtoSchema, small));
}
