import { basename } from "node:path";
import { DataError, FormatError } from "../../errors.js";
import { type DatasetOptions, ignoresLabels } from "../dataset-options.js";
import { fileSize, hashFiles, imageInFile, readClassNames } from "../files.js";
import { openRecords, type RecordReader } from "../records.js";
import type { ImageShape, ImageSource } from "../types.js";

/** 32x32 pixels: all red bytes row by row, then all green, then all blue. */
const shape: ImageShape = [3, 32, 32];
const pixelBytes = 3 * 32 * 32;

/** One label byte (CIFAR-10), or a coarse and a fine one (CIFAR-100). */
type LabelBytes = 1 | 2;

/**
 * CIFAR binary files (Krizhevsky 2009), several of them read as one. The number of label bytes follows from the size of
 * a file; where both fit, from the labels; where both fit still, from `classes=10|100`.
 *
 * The number of classes is that of `NAME.classes.txt` beside the first file, otherwise 10 or 100. Files with one label
 * byte and more than 10 classes are read when such a list, or `classes=100`, says so.
 */
export async function openCifar(paths: readonly string[], options: DatasetOptions): Promise<ImageSource> {
  const [first] = paths;
  if (first === undefined) throw new DataError({ where: "cifar", expected: "a file", received: "none" });
  const classNames = await readClassNames(first);
  const unused = ignoresLabels(options);
  const parts: Part[] = [];
  for (const path of paths) parts.push(await openPart(path, options.classes, classNames?.length, unused));
  const labelBytes = (parts[0] as Part).labelBytes;
  const other = parts.find((part) => part.labelBytes !== labelBytes);
  if (other !== undefined) {
    throw new FormatError({
      where: other.path,
      expected: `${labelBytes} label byte${labelBytes === 1 ? "" : "s"} per image, as in ${basename(first)}`,
      received: String(other.labelBytes),
      hint: "do not mix CIFAR-10 and CIFAR-100 files",
    });
  }
  const starts = [0];
  for (const part of parts) starts.push((starts.at(-1) as number) + part.count);
  const locate = (index: number): { part: Part; number: number } => {
    let place = 0;
    while ((starts[place + 1] as number) <= index) place++;
    return { part: parts[place] as Part, number: index - (starts[place] as number) };
  };
  const join = (labelsOf: (part: Part) => Uint8Array): Int32Array => {
    const joined = new Int32Array(starts.at(-1) as number);
    parts.forEach((part, place) => {
      joined.set(labelsOf(part), starts[place]);
    });
    return joined;
  };
  return {
    length: starts.at(-1) as number,
    shape,
    labels: join((part) => part.labels),
    ...(labelBytes === 2 ? { labelSets: { coarse: join((part) => part.coarse) } } : {}),
    ...(classNames === undefined ? {} : { classNames }),
    decodes: false,
    async pictures(indices) {
      const places = Array.from(indices, locate);
      const records = new Array<Uint8Array>(places.length);
      for (const part of parts) {
        const wanted = places.flatMap((place, position) => (place.part === part ? [{ ...place, position }] : []));
        const read = await part.records.read(wanted.map(({ number }) => number));
        wanted.forEach(({ position }, rank) => {
          records[position] = read[rank] as Uint8Array;
        });
      }
      return records.map((record) => ({ data: record.subarray(labelBytes), shape }));
    },
    describe(index) {
      const { part, number } = locate(index);
      return imageInFile(part.path, number);
    },
    hash: () => hashFiles(paths),
  };
}

interface Part {
  readonly path: string;
  readonly count: number;
  readonly labelBytes: LabelBytes;
  /** Labels of the class; the fine ones of CIFAR-100. */
  readonly labels: Uint8Array;
  /** Empty without a coarse label byte. */
  readonly coarse: Uint8Array;
  readonly records: RecordReader;
}

async function openPart(
  path: string,
  wanted: 10 | 100 | undefined,
  named: number | undefined,
  labelsUnused: boolean,
): Promise<Part> {
  const size = await fileSize(path);
  const fitting = ([1, 2] as const).filter((labelBytes) => size > 0 && size % (labelBytes + pixelBytes) === 0);
  if (fitting.length === 0) {
    throw new FormatError({
      where: path,
      expected: `a multiple of ${1 + pixelBytes} bytes (CIFAR-10) or ${2 + pixelBytes} bytes (CIFAR-100)`,
      received: `${size} bytes`,
      hint: "the file is truncated or not a CIFAR binary file; the Python and MATLAB versions cannot be read",
    });
  }
  const attempts: (Part & { readonly fault?: FormatError })[] = [];
  for (const labelBytes of fitting) attempts.push(await readPart(path, size, labelBytes, wanted, named));
  const [one, two] = attempts;
  if (one === undefined) throw new FormatError({ where: path, problem: "is not a CIFAR binary file" });
  if (two !== undefined) {
    // Both sizes fit, which happens once in 3073 images.
    if (wanted !== undefined) return faultless(wanted === 10 ? one : two);
    if (one.fault === undefined && two.fault === undefined) {
      throw new FormatError({
        where: path,
        problem: `its ${size} bytes can be ${one.count} images of CIFAR-10 or ${two.count} of CIFAR-100`,
        hint: "add ?classes=10 or ?classes=100",
      });
    }
    return faultless(one.fault === undefined ? one : two);
  }
  return labelsUnused ? one : faultless(one);
}

function faultless(part: Part & { readonly fault?: FormatError }): Part {
  if (part.fault !== undefined) throw part.fault;
  return part;
}

async function readPart(
  path: string,
  size: number,
  labelBytes: LabelBytes,
  wanted: 10 | 100 | undefined,
  named: number | undefined,
): Promise<Part & { readonly fault?: FormatError }> {
  const recordBytes = labelBytes + pixelBytes;
  const count = size / recordBytes;
  const records = await openRecords({ path, start: 0, recordBytes, count });
  const labels = new Uint8Array(count);
  const coarse = new Uint8Array(labelBytes === 2 ? count : 0);
  const piece = 4096;
  for (let start = 0; start < count; start += piece) {
    const indices = Array.from({ length: Math.min(piece, count - start) }, (_, place) => start + place);
    (await records.read(indices)).forEach((record, place) => {
      labels[start + place] = record[labelBytes - 1] as number;
      if (labelBytes === 2) coarse[start + place] = record[0] as number;
    });
  }
  const classes = named ?? wanted ?? (labelBytes === 1 ? 10 : 100);
  const fault =
    outOfRange(path, labels, classes, labelBytes === 1 ? "label" : "fine label") ??
    outOfRange(path, coarse, 20, "coarse label");
  return { path, count, labelBytes, labels, coarse, records, ...(fault === undefined ? {} : { fault }) };
}

function outOfRange(path: string, labels: Uint8Array, classes: number, what: string): FormatError | undefined {
  const index = labels.findIndex((label) => label >= classes);
  if (index < 0) return undefined;
  return new FormatError({
    where: `${path} image ${index}`,
    expected: `a ${what} from 0 to ${classes - 1}`,
    received: String(labels[index]),
    hint: "if the file has more classes, list them in NAME.classes.txt beside it or add ?classes=100",
  });
}
