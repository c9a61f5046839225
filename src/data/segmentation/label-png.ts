import sharp from "sharp";
import { FormatError } from "../../errors.js";
import { readStart, readWholeFile } from "../files.js";
import type { Size } from "./types.js";

/** Ids as a label file stores them, before they are mapped: bytes [H, W]. */
export interface LabelImage extends Size {
  readonly data: Uint8Array;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Signature, and the header chunk with its length, name and check sum. */
const headerBytes = 33;
/** As for images: larger ones are refused before they are decoded. */
const mostPixels = 100_000_000;
const mostFileBytes = 2 ** 28;
const colourTypes: Readonly<Record<number, string>> = {
  2: "colours (RGB)",
  4: "grey with transparency",
  6: "colours with transparency (RGBA)",
};

interface Header extends Size {
  /** Bits of an id: 1, 2, 4 or 8. */
  readonly depth: number;
}

/** Size of a label file, from its first bytes; errors as {@link readLabelPng}. */
export async function labelPngSize(path: string): Promise<Size> {
  const { height, width } = readHeader(Buffer.from(await readStart(path, headerBytes)), path);
  return { height, width };
}

/**
 * Reads the ids of a label PNG as they are stored: grey values, or indices into a palette, whose colours do not matter.
 * Ids of 1, 2 or 4 bits are not spread over 0..255.
 *
 * @throws FormatError naming the file, when it is no PNG, is truncated or corrupt, has 16 bits an id, colours or
 *   transparency, or over 100 megapixels
 */
export async function readLabelPng(path: string): Promise<LabelImage> {
  return decodeLabelPng(Buffer.from(await readWholeFile(path, mostFileBytes)), path);
}

/** {@link readLabelPng} for bytes in memory. */
export async function decodeLabelPng(bytes: Uint8Array, where: string): Promise<LabelImage> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { height, width, depth } = readHeader(buffer, where);
  const stored = asPlainGrey(buffer, where);
  try {
    const { data } = await sharp(stored, { limitInputPixels: mostPixels, failOn: "error" })
      .toColourspace("b-w")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    if (depth === 8) return { data, height, width };
    // Decoders spread grey values of few bits over 0..255.
    const step = 255 / (2 ** depth - 1);
    return { data: data.map((value) => value / step), height, width };
  } catch (cause) {
    throw corrupt(where, `the labels cannot be decoded (${(cause as Error).message.split("\n")[0]})`, cause);
  }
}

function readHeader(bytes: Buffer, where: string): Header {
  if (!bytes.subarray(0, 8).equals(signature)) {
    throw new FormatError({
      where,
      expected: "a PNG of label ids",
      received: bytes.length === 0 ? "an empty file" : "something else",
      hint: "labels are read from PNG only, which keeps every id as it is",
    });
  }
  if (bytes.length < headerBytes || bytes.toString("latin1", 12, 16) !== "IHDR") {
    throw corrupt(where, "its header is incomplete");
  }
  const colourType = bytes[25] as number;
  const depth = bytes[24] as number;
  if (colourType !== 0 && colourType !== 3) {
    throw new FormatError({
      where,
      expected: "one id for each pixel: grey or a palette",
      received: colourTypes[colourType] ?? `PNG colour type ${colourType}`,
      hint: "use the files that hold ids, not the ones coloured for people",
    });
  }
  if (depth > 8) {
    throw new FormatError({
      where,
      expected: "label ids of 8 bits",
      received: `${depth} bits`,
      hint: "save the ids as an 8-bit grey PNG; instance ids, which need 16 bits, are no labels",
    });
  }
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), depth };
}

/**
 * The same pixels declared as grey, without palette, colour profile, gamma and transparency, each of which would make a
 * decoder change the ids.
 */
function asPlainGrey(bytes: Buffer, where: string): Buffer {
  const header = Buffer.from(bytes.subarray(8, headerBytes));
  header[17] = 0;
  header.writeUInt32BE(crc32(header.subarray(4, 21)), 21);
  const kept: Uint8Array[] = [signature, header];
  let at = headerBytes;
  for (;;) {
    if (at + 12 > bytes.length) throw corrupt(where, "it ends before its last part");
    const length = bytes.readUInt32BE(at);
    const name = bytes.toString("latin1", at + 4, at + 8);
    const end = at + 12 + length;
    if (end > bytes.length) throw corrupt(where, "it ends before its last part");
    if (name === "IDAT" || name === "IEND") kept.push(bytes.subarray(at, end));
    if (name === "IEND") return Buffer.concat(kept);
    at = end;
  }
}

/** The check sum of PNG chunks, bit by bit: it is only needed for 17 bytes. */
function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}

function corrupt(where: string, problem: string, cause?: unknown): FormatError {
  return new FormatError({ where, problem, hint: "the file is truncated or corrupt: replace it", cause });
}
