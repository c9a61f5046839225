import { FormatError, OffmapError } from "../errors.js";
import { fileSize } from "./files.js";
import { decodeNpy, mostArrayBytes, type NpyArray } from "./npy.js";

/**
 * Reads one array of an NPZ archive, as numpy.savez and numpy.savez_compressed write it.
 *
 * @param name  of the array, without `.npy`
 * @throws FormatError for a file that is no ZIP archive or is damaged, a missing array, and arrays that `readNpyHeader` refuses
 */
export async function readNpz(path: string, name: string): Promise<NpyArray> {
  await fileSize(path);
  // Loaded only where there is an archive.
  const { openPromise } = await import("yauzl");
  try {
    const zip = await openPromise(path, { lazyEntries: true, autoClose: false });
    try {
      for await (const entry of zip.eachEntry()) {
        if (entry.fileName !== `${name}.npy`) continue;
        if (entry.uncompressedSize > mostArrayBytes) throw tooLarge(path, entry.uncompressedSize);
        const parts: Buffer[] = [];
        for await (const part of await zip.openReadStreamPromise(entry)) parts.push(part as Buffer);
        return decodeNpy(Buffer.concat(parts), `${path}, array "${name}"`);
      }
    } finally {
      zip.close();
    }
  } catch (cause) {
    if (cause instanceof OffmapError) throw cause;
    throw new FormatError({
      where: path,
      expected: "an NPZ archive",
      received: cause instanceof Error ? cause.message : String(cause),
      hint: "the file is truncated or corrupt",
      cause,
    });
  }
  throw new FormatError({ where: path, expected: `an array "${name}"`, received: "an archive without it" });
}

function tooLarge(path: string, bytes: number): FormatError {
  return new FormatError({ where: path, expected: `at most ${mostArrayBytes} bytes`, received: String(bytes) });
}
