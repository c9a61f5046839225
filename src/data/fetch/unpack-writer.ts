import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { FormatError } from "../../errors.js";

/** Where the content of an archive goes. Nothing is written outside the folder, whatever names the archive holds. */
export interface UnpackWriter {
  /** Writes one file; its folders are made, a file of that name is replaced. */
  file(name: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  folder(name: string): Promise<void>;
}

/**
 * @param archive    for messages
 * @param mostBytes  what all files together may hold: small archives can unpack to more than any disk holds
 */
export function unpackWriter(archive: string, folder: string, mostBytes: number, signal: AbortSignal): UnpackWriter {
  let left = mostBytes;
  // Asking for a folder that was just made, 100,000 times over, is worth avoiding.
  let lastMade = "";
  const makeFolder = async (path: string): Promise<void> => {
    if (path === lastMade) return;
    await mkdir(path, { recursive: true });
    lastMade = path;
  };
  const limited = async function* (content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const piece of content) {
      left -= piece.length;
      if (left < 0) {
        throw new FormatError({
          where: archive,
          expected: `at most ${mostBytes} bytes inside`,
          received: "more",
          hint: "unpack it by hand if you trust it",
        });
      }
      yield piece;
    }
  };
  return {
    async file(name, content) {
      const path = join(folder, safeName(name, archive));
      await makeFolder(dirname(path));
      await pipeline(limited(content), createWriteStream(path), { signal });
    },
    folder: async (name) => makeFolder(join(folder, safeName(name, archive))),
  };
}

/**
 * A name inside an archive as a path below a folder.
 *
 * @throws FormatError for a name that is absolute, empty, goes up, or holds what no file name may
 */
export function safeName(name: string, archive: string): string {
  const parts = name.split(/[\\/]/).filter((part) => part !== "" && part !== ".");
  const absolute = /^(?:[\\/]|[a-z]:)/i.test(name);
  if (absolute || parts.length === 0 || parts.includes("..") || name.includes("\0")) {
    throw new FormatError({
      where: archive,
      expected: "names of files inside one folder",
      received: JSON.stringify(name.slice(0, 100)),
      hint: "the archive tries to write elsewhere; do not trust it",
    });
  }
  return join(...parts);
}
