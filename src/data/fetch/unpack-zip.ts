import type { Entry, ZipFile } from "yauzl";
import { CancelledError } from "../../errors.js";
import type { Progress } from "../../progress.js";
import type { UnpackWriter } from "./unpack-writer.js";

/** Upper bits of a Unix mode: what kind of file. */
const kindMask = 0o170000;
const linkKind = 0o120000;

/** Unpacks a ZIP archive, also a large one (ZIP64). Links are left out. */
export async function unpackZip(
  archive: string,
  writer: UnpackWriter,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  // Loaded only when there is something to unpack.
  const { openPromise } = await import("yauzl");
  const zip = await openPromise(archive, { lazyEntries: true, strictFileNames: true, autoClose: false });
  try {
    progress.start(`Unpacking ${archive}`, zip.entryCount, "files");
    let done = 0;
    for await (const entry of zip.eachEntry()) {
      if (signal.aborted) throw new CancelledError({ problem: "stopped on request" });
      const isLink = ((entry.externalFileAttributes >>> 16) & kindMask) === linkKind;
      if (entry.fileName.endsWith("/")) await writer.folder(entry.fileName);
      else if (!isLink) await writer.file(entry.fileName, contentOf(zip, entry));
      progress.update(++done);
    }
  } finally {
    zip.close();
  }
  progress.finish();
}

/** Opened when it is read: the stream begins at once, and an error before anybody listens would end the process. */
async function* contentOf(zip: ZipFile, entry: Entry): AsyncIterable<Uint8Array> {
  yield* await zip.openReadStreamPromise(entry);
}
