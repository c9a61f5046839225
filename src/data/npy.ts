import { readFile } from "node:fs/promises";
import { FormatError, ShapeError } from "../errors.js";
import { writeFileAtomic } from "../files.js";
import { fileError, fileSize, readStart } from "./files.js";
import { parsePythonLiteral } from "./python-literal.js";

/** Element types that are read, as NumPy spells them without the byte order. */
const elementTypes = {
  b1: { array: Uint8Array, bytes: 1 },
  u1: { array: Uint8Array, bytes: 1 },
  i1: { array: Int8Array, bytes: 1 },
  u2: { array: Uint16Array, bytes: 2 },
  i2: { array: Int16Array, bytes: 2 },
  u4: { array: Uint32Array, bytes: 4 },
  i4: { array: Int32Array, bytes: 4 },
  u8: { array: BigUint64Array, bytes: 8 },
  i8: { array: BigInt64Array, bytes: 8 },
  f4: { array: Float32Array, bytes: 4 },
  f8: { array: Float64Array, bytes: 8 },
} as const;

export type NpyType = keyof typeof elementTypes;
export type NpyData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** An array as NumPy stores it, row-major. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly type: NpyType;
  readonly data: NpyData;
}

/** What the header of a file says, checked against its size. */
export interface NpyHeader {
  readonly shape: readonly number[];
  readonly type: NpyType;
  readonly elementBytes: number;
  /** Bytes before the first element. */
  readonly start: number;
}

const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
/** NumPy pads headers to a multiple of 64; the real ones have 64 or 128 bytes. */
const mostHeaderBytes = 65_536;
/** Axes that NumPy allows. */
const mostAxes = 32;

/**
 * Reads and checks the header of an NPY file, versions 1 to 3. Nothing is allocated by what the header claims.
 *
 * @throws FormatError when it is no NPY file, is shorter or longer than its header says, has Fortran order, big-endian
 *   numbers, or elements other than booleans, integers, float32 and float64
 */
export async function readNpyHeader(path: string): Promise<NpyHeader> {
  return parseNpyHeader(await readStart(path, mostHeaderBytes), await fileSize(path), path);
}

/**
 * As {@link readNpyHeader}.
 *
 * @param beginning  the file's first bytes, its header at least
 * @param size       bytes of the whole file
 * @param path       the file's name in errors
 */
function parseNpyHeader(beginning: Uint8Array, size: number, path: string): NpyHeader {
  const bytes = Buffer.from(beginning.buffer, beginning.byteOffset, beginning.length);
  if (bytes.length < 10 || !magic.every((byte, index) => bytes[index] === byte)) {
    const zip = bytes.length > 3 && bytes.readUInt32LE(0) === 0x04034b50;
    throw new FormatError({
      where: path,
      expected: "an NPY file",
      received: zip ? "a ZIP archive (.npz)" : "something else",
      hint: zip ? "save each array on its own with numpy.save" : "save the array with numpy.save",
    });
  }
  const version = bytes[6] as number;
  if (version < 1 || version > 3) {
    throw new FormatError({ where: path, expected: "NPY version 1, 2 or 3", received: String(version) });
  }
  const lengthBytes = version === 1 ? 2 : 4;
  const headerStart = 8 + lengthBytes;
  const headerBytes = version === 1 ? bytes.readUInt16LE(8) : bytes.length < 12 ? Infinity : bytes.readUInt32LE(8);
  const start = headerStart + headerBytes;
  if (start > bytes.length) {
    throw new FormatError({
      where: path,
      problem: `its header claims ${headerBytes} bytes, of which ${bytes.length - headerStart} can be there`,
      hint: "the file is truncated or corrupt",
    });
  }
  const text = bytes.toString(version === 3 ? "utf8" : "latin1", headerStart, start).trim();
  const { shape, type } = readHeaderText(text, path);
  const elementBytes = elementTypes[type].bytes;
  const claimed = shape.reduce((product, dimension) => product * dimension, elementBytes);
  if (claimed !== size - start) {
    throw new FormatError({
      where: path,
      expected: `${claimed} bytes of data for an array of ${shape.join(" x ") || "one element"}`,
      received: `${size - start}`,
      hint: "the file is truncated or corrupt",
    });
  }
  return { shape, type, elementBytes, start };
}

function readHeaderText(text: string, path: string): { shape: readonly number[]; type: NpyType } {
  const header = parsePythonLiteral(text, `${path}, header`);
  const wrong = (what: string, received: string, hint?: string): never => {
    throw new FormatError({
      where: `${path}, header`,
      expected: what,
      received,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  if (!(header instanceof Map)) return wrong("a dict", text.slice(0, 40));
  const description: unknown = header.get("descr");
  if (typeof description !== "string") return wrong("one element type", "a structured or no type");
  const parts = /^([<>|=])(\w+)$/.exec(description);
  const [, order, name] = parts ?? [];
  if (name === undefined || !Object.hasOwn(elementTypes, name)) {
    return wrong(
      "booleans, integers, float32 or float64",
      `"${description}"`,
      "convert with array.astype and save again",
    );
  }
  const type = name as NpyType;
  if (order === ">" && elementTypes[type].bytes > 1) {
    return wrong("little-endian numbers", "big-endian ones", `convert with array.astype("<${name}") and save again`);
  }
  const shape: unknown = header.get("shape");
  if (
    !Array.isArray(shape) ||
    shape.length > mostAxes ||
    !shape.every((dimension: unknown) => Number.isSafeInteger(dimension) && (dimension as number) >= 0)
  ) {
    return wrong(`a shape of at most ${mostAxes} sizes`, String(shape).slice(0, 40));
  }
  const sizes = shape as number[];
  const fortran: unknown = header.get("fortran_order");
  if (typeof fortran !== "boolean") return wrong("fortran_order True or False", String(fortran));
  // With at most one axis longer than 1 both orders are the same.
  if (fortran && sizes.filter((size) => size > 1).length > 1) {
    return wrong("C order", "Fortran order", "save numpy.ascontiguousarray(array)");
  }
  return { shape: sizes, type };
}

/** Largest file read at once: 2 GiB. */
export const mostArrayBytes = 2 ** 31;

/**
 * Reads a whole NPY file; see {@link readNpyHeader} for what is accepted.
 *
 * @throws FormatError for other files, and for those over 2 GiB
 */
export async function readNpy(path: string): Promise<NpyArray> {
  const size = await fileSize(path);
  if (size > mostArrayBytes) {
    throw new FormatError({ where: path, expected: `at most ${mostArrayBytes} bytes`, received: String(size) });
  }
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fileError(path, cause);
  });
  return decodeNpy(bytes, path);
}

/** The array in the bytes of an NPY file; errors as {@link readNpyHeader}, with `path` as the file's name. */
export function decodeNpy(bytes: Uint8Array, path: string): NpyArray {
  const { shape, type, start } = parseNpyHeader(bytes, bytes.length, path);
  return { shape, type, data: viewElements(bytes.subarray(start), type) };
}

/** Bytes as elements; a copy, because elements must start at a multiple of their size. */
export function viewElements(bytes: Uint8Array, type: NpyType): NpyData {
  return new elementTypes[type].array(new Uint8Array(bytes).buffer);
}

/** Arrays of real numbers as float64, for labels and scores: 64-bit integers beyond 2^53 lose their last digits. */
export function npyNumbers({ data }: NpyArray): Float64Array {
  return Float64Array.from(data as Iterable<number | bigint>, Number);
}

/** The bytes of an NPY file, version 1, padded so that the data start at a multiple of 64. */
export function encodeNpy(data: NpyData, shape: readonly number[] = [data.length]): Uint8Array {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (size !== data.length) {
    throw new ShapeError({
      where: "NPY array",
      expected: `${size} values for a shape of ${shape.join(" x ")}`,
      received: `${data.length}`,
    });
  }
  const type = (Object.keys(elementTypes) as NpyType[]).find(
    (name) => name !== "b1" && data instanceof elementTypes[name].array,
  );
  if (type === undefined) throw new ShapeError({ where: "NPY array", problem: "its element type cannot be written" });
  const description = `${elementTypes[type].bytes === 1 ? "|" : "<"}${type}`;
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '${description}', 'fortran_order': False, 'shape': (${axes}), }`;
  const start = Math.ceil((10 + header.length + 1) / 64) * 64;
  const bytes = Buffer.alloc(start + data.byteLength, " ");
  bytes.set(magic, 0);
  bytes[6] = 1;
  bytes[7] = 0;
  bytes.writeUInt16LE(start - 10, 8);
  bytes.write(header, 10, "latin1");
  bytes[start - 1] = 0x0a;
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return bytes;
}

/**
 * Writes an array as NPY file, through a temporary file in the same folder.
 *
 * @param shape  default: one axis
 * @throws RunError when the file cannot be written
 */
export async function writeNpy(path: string, data: NpyData, shape?: readonly number[]): Promise<void> {
  await writeFileAtomic(path, encodeNpy(data, shape));
}
