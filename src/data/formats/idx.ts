import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { createGunzip, gunzip } from "node:zlib";
import { DataError, FormatError } from "../../errors.js";
import { type DatasetOptions, ignoresLabels } from "../dataset-options.js";
import { fileError, fileSize, hashFiles, imageInFile, readClassNames, readStart } from "../files.js";
import { readLabelArray } from "../labels.js";
import type { ImageShape, ImageSource } from "../types.js";

/**
 * The IDX files of MNIST and its relatives: `[N, H, W]` bytes, and `[N]` label bytes; gzip is recognised by content, not
 * by name. Images are grey. Class names are those of `NAME.classes.txt` beside the images.
 */
export async function openIdx(paths: readonly string[], options: DatasetOptions): Promise<ImageSource> {
  const [path, labelPath, ...more] = paths;
  if (path === undefined || more.length > 0) {
    throw new FormatError({ where: "idx", expected: "IMAGES or IMAGES,LABELS", received: `${paths.length} files` });
  }
  const images = await readIdx(path, 3, "images");
  const [count = 0, height = 0, width = 0] = images.sizes;
  const shape: ImageShape = [1, height, width];
  const pixels = height * width;
  const labels =
    labelPath === undefined || ignoresLabels(options)
      ? undefined
      : readLabelArray((await readIdx(labelPath, 1, "labels")).data, labelPath, count, path);
  const classNames = await readClassNames(path);
  return {
    length: count,
    shape,
    ...(labels === undefined ? {} : { labels }),
    ...(classNames === undefined ? {} : { classNames }),
    decodes: false,
    pictures: async (indices) =>
      Array.from(indices, (index) => ({ data: images.data.subarray(index * pixels, (index + 1) * pixels), shape })),
    describe: (index) => imageInFile(path, index),
    hash: () => hashFiles(labelPath === undefined ? [path] : [path, labelPath]),
  };
}

interface IdxArray {
  readonly sizes: readonly number[];
  readonly data: Uint8Array;
}

/** Largest array, unpacked: 2 GiB. */
const mostBytes = 2 ** 31;
const byteElements = 8;

async function readIdx(path: string, axes: 1 | 3, what: "images" | "labels"): Promise<IdxArray> {
  const start = await readStart(path, 2 ** 16);
  const packed = start[0] === 0x1f && start[1] === 0x8b;
  const headerBytes = 4 + 4 * axes;
  const header = Buffer.from(packed ? await unpackStart(path, headerBytes) : start.subarray(0, headerBytes));
  if (header.length < 4 || header[0] !== 0 || header[1] !== 0 || header[2] !== byteElements || header[3] !== axes) {
    throw new FormatError({
      where: path,
      expected: `an IDX file of ${what} (first bytes 00 00 08 0${axes})`,
      received: header.length === 0 ? "an empty file" : header.toString("hex", 0, 4).replace(/(..)(?=.)/g, "$1 "),
      hint: "write idx:IMAGES,LABELS, the images first",
    });
  }
  if (header.length < headerBytes) throw truncated(path, headerBytes, header.length);
  const sizes = Array.from({ length: axes }, (_, axis) => header.readUInt32BE(4 + 4 * axis));
  const claimed = headerBytes + sizes.reduce((product, size) => product * size, 1);
  if (sizes.includes(0) || claimed > mostBytes) {
    throw new FormatError({
      where: path,
      expected: `at least one element and at most ${mostBytes} bytes`,
      received: sizes.join(" x "),
    });
  }
  if (!packed) {
    const size = await fileSize(path);
    if (size !== claimed) throw truncated(path, claimed, size);
  }
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fileError(path, cause);
  });
  const unpacked = packed ? await unpackAll(path, bytes, claimed) : bytes;
  if (unpacked.length !== claimed) throw truncated(path, claimed, unpacked.length);
  return { sizes, data: unpacked.subarray(headerBytes) };
}

/** The first bytes of a gzip file, without unpacking the rest. */
async function unpackStart(path: string, length: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let got = 0;
  const file = createReadStream(path);
  const gunzip = createGunzip();
  // Leaving the loop ends what is read from, and not what feeds it; an error there must reach the loop.
  file.on("error", (cause) => gunzip.destroy(fileError(path, cause)));
  try {
    for await (const piece of file.pipe(gunzip)) {
      pieces.push(piece as Uint8Array);
      got += (piece as Uint8Array).length;
      if (got >= length) break;
    }
  } catch (cause) {
    throw cause instanceof DataError ? cause : brokenGzip(path, cause);
  } finally {
    file.destroy();
  }
  return Buffer.concat(pieces).subarray(0, length);
}

/** Unpacks no more than what the header claims, so that a small file cannot fill the memory. */
async function unpackAll(path: string, bytes: Uint8Array, claimed: number): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: claimed });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") throw brokenGzip(path, cause);
    throw new FormatError({
      where: path,
      expected: `${claimed} bytes, as its header says`,
      received: "more",
      hint: "the file is corrupt",
      cause,
    });
  }
}

function brokenGzip(path: string, cause: unknown): FormatError {
  return new FormatError({
    where: path,
    problem: `is broken gzip data (${(cause as Error).message})`,
    hint: "the file is truncated or corrupt: get it again",
    cause,
  });
}

function truncated(path: string, expected: number, received: number): FormatError {
  return new FormatError({
    where: path,
    expected: `${expected} bytes, as its header says`,
    received: String(received),
    hint: "the file is truncated or corrupt",
  });
}
