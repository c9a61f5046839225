import { promisify } from "node:util";
import { inflate } from "node:zlib";
import { FormatError } from "../../errors.js";
import { readWholeFile } from "../files.js";

/** An array of bytes, first axis running fastest. */
export interface MatlabBytes {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Element types of the format that are needed, by number. */
const element = { int8: 1, uint8: 2, int32: 5, uint32: 6, matrix: 14, compressed: 15 } as const;
const headerBytes = 128;
/** Largest file, and largest matrix after decompression: SVHN's are below 100 MB. */
const mostBytes = 2 ** 30;

interface Element {
  readonly type: number;
  readonly content: Buffer;
  /** Where the next one starts. */
  readonly next: number;
}

/**
 * Reads the arrays of a MATLAB file of level 5 whose numbers are stored as bytes, as SVHN's are, and no others. "MAT-File Format",
 * The MathWorks.
 *
 * @throws FormatError for another file, or an array of other numbers
 */
export async function readMatlabBytes(path: string): Promise<ReadonlyMap<string, MatlabBytes>> {
  const file = Buffer.from(await readWholeFile(path, mostBytes));
  if (
    file.length < headerBytes ||
    file.toString("latin1", 0, 10) !== "MATLAB 5.0" ||
    file.toString("latin1", 126, 128) !== "IM"
  ) {
    throw new FormatError({ where: path, expected: "a MATLAB 5.0 file, little-endian", received: "another file" });
  }
  const arrays = new Map<string, MatlabBytes>();
  for (let at = headerBytes; at < file.length; ) {
    const outer = elementAt(file, at, path);
    const inner = outer.type === element.compressed ? elementAt(await inflated(outer.content, path), 0, path) : outer;
    if (inner.type === element.matrix) {
      const [name, array] = matrix(inner.content, path);
      arrays.set(name, array);
    }
    // Compressed elements are not padded.
    at = outer.type === element.compressed ? at + 8 + outer.content.length : outer.next;
  }
  return arrays;
}

async function inflated(content: Buffer, path: string): Promise<Buffer> {
  try {
    return await promisify(inflate)(content, { maxOutputLength: mostBytes });
  } catch (cause) {
    throw new FormatError({ where: path, problem: "a compressed array is broken", cause });
  }
}

function elementAt(bytes: Buffer, at: number, path: string): Element {
  const end = (from: number, length: number): Buffer => {
    if (from + length <= bytes.length) return bytes.subarray(from, from + length);
    throw new FormatError({ where: path, problem: "the file ends in the middle of an array" });
  };
  const tag = end(at, 8);
  const small = tag.readUInt16LE(2);
  // Up to 4 bytes share the 8 of the tag.
  if (small > 0) return { type: tag.readUInt16LE(0), content: end(at + 4, Math.min(small, 4)), next: at + 8 };
  const length = tag.readUInt32LE(4);
  return { type: tag.readUInt32LE(0), content: end(at + 8, length), next: at + 8 + Math.ceil(length / 8) * 8 };
}

function matrix(content: Buffer, path: string): readonly [string, MatlabBytes] {
  const parts: Element[] = [];
  for (let at = 0; parts.length < 4; at = (parts.at(-1) as Element).next) parts.push(elementAt(content, at, path));
  const [flags, sizes, name, data] = parts as [Element, Element, Element, Element];
  const title = name.content.toString("latin1");
  const shape = Array.from({ length: sizes.content.length / 4 }, (_, axis) => sizes.content.readInt32LE(4 * axis));
  const known = flags.type === element.uint32 && sizes.type === element.int32 && name.type === element.int8;
  const count = shape.reduce((product, size) => product * size, 1);
  if (!known || data.type !== element.uint8 || data.content.length !== count) {
    throw new FormatError({
      where: `${path}, array "${title}"`,
      expected: "numbers stored as bytes, as many as its shape has places",
      received: `${data.content.length} bytes of type ${data.type} for ${shape.join(" x ")}`,
    });
  }
  return [title, { shape, data: data.content }];
}
