import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll } from "vitest";

/** A folder that lives as long as the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "offmap-data-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** CIFAR records: labels as given, every pixel byte of image i is i (modulo 256). */
export function cifarBytes(labels: readonly (readonly number[])[]): Uint8Array {
  return Buffer.concat(
    labels.map((label, index) => Buffer.concat([Buffer.from(label), Buffer.alloc(3072, index % 256)])),
  );
}

/** An IDX array of bytes. */
export function idxBytes(sizes: readonly number[], data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header[2] = 8;
  header[3] = sizes.length;
  sizes.forEach((size, axis) => {
    header.writeUInt32BE(size, 4 + 4 * axis);
  });
  return Buffer.concat([header, data]);
}

/** An NPY file with any header, for what NumPy would not write. */
export function npyBytes(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = Buffer.from(`${header}\n`, "latin1");
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), version, 0, ...(version === 1 ? [0, 0] : [0, 0, 0, 0])]);
  if (version === 1) start.writeUInt16LE(text.length, 8);
  else start.writeUInt32LE(text.length, 8);
  return Buffer.concat([start, text, data]);
}

/** Writes an image of one colour; the ending of the path decides the format. */
export async function writeImage(
  path: string,
  [red, green, blue]: readonly [number, number, number],
  width = 4,
  height = 4,
): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await sharp({ create: { width, height, channels: 3, background: { r: red, g: green, b: blue } } }).toFile(path);
  return path;
}

export async function write(path: string, content: string | Uint8Array): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}
