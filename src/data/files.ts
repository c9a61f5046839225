import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { DataError, FormatError } from "../errors.js";

/** Turns a failure of the file system into a sentence about the file. */
export function fileError(path: string, cause: unknown): DataError {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new DataError({ where: path, problem: "no such file or folder", hint: "check the path", cause });
  }
  if (code === "EISDIR") return new DataError({ where: path, expected: "a file", received: "a folder", cause });
  if (code === "EACCES" || code === "EPERM") return new DataError({ where: path, problem: "may not be read", cause });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DataError({ where: path, problem: `cannot be read (${reason})`, cause });
}

/**
 * Size of a regular file in bytes.
 *
 * @throws DataError when there is none
 */
export async function fileSize(path: string): Promise<number> {
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(path);
  } catch (cause) {
    throw fileError(path, cause);
  }
  if (!found.isFile()) {
    throw new DataError({
      where: path,
      expected: "a file",
      received: found.isDirectory() ? "a folder" : "a device or pipe",
    });
  }
  return found.size;
}

/** @throws DataError when the file cannot be read, or is larger than `mostBytes` */
export async function readWholeFile(path: string, mostBytes: number): Promise<Uint8Array> {
  const size = await fileSize(path);
  if (size > mostBytes) {
    throw new DataError({ where: path, expected: `at most ${mostBytes} bytes`, received: `${size} bytes` });
  }
  try {
    return await readFile(path);
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** Part of a file, from the start; shorter where the file is. */
export async function readStart(path: string, length: number): Promise<Uint8Array> {
  await fileSize(path);
  try {
    const file = await open(path);
    try {
      const buffer = new Uint8Array(length);
      const { bytesRead } = await file.read(buffer, 0, length, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** Longest text file that is read: 4 million lines of 64 characters. */
const mostTextBytes = 2 ** 28;

/**
 * Reads a text file, strictly: a byte order mark is dropped, bytes that are not UTF-8 are refused.
 *
 * @throws FormatError for other encodings
 */
export async function readText(path: string): Promise<string> {
  const bytes = await readWholeFile(path, mostTextBytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError({
      where: path,
      expected: "text in UTF-8",
      received: "bytes that are not",
      hint: "convert the file to UTF-8",
      cause,
    });
  }
}

/** Lines without their ends; a last empty line does not count. */
export function splitLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/**
 * Class names beside a data file: `test.bin` has them in `test.classes.txt`, one a line.
 *
 * @returns undefined when there is no such file
 */
export async function readClassNames(path: string): Promise<readonly string[] | undefined> {
  const beside = `${path.replace(/\.[^./\\]+$/, "")}.classes.txt`;
  try {
    await stat(beside);
  } catch {
    return undefined;
  }
  const names = splitLines(await readText(beside)).map((line) => line.trim());
  const empty = names.indexOf("");
  if (names.length === 0 || empty >= 0) {
    throw new FormatError({
      where: `${beside} line ${Math.max(empty, 0) + 1}`,
      expected: "a class name on every line",
      received: "an empty line",
    });
  }
  return names;
}

/** Adds a file's content to a hash, in pieces. */
export async function hashFile(hash: Hash, path: string): Promise<void> {
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece as Uint8Array);
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** SHA-256 over the contents of files, each closed off by its length so that moving bytes between files changes it. */
export async function hashFiles(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) {
    await hashFile(hash, path);
    hash.update(`\n${await fileSize(path)}\n`);
  }
  return hash.digest("hex");
}

/** `test.bin image 12`: how images inside a file are called. */
export function imageInFile(path: string, index: number): string {
  return `${basename(path)} image ${index}`;
}
