import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { Progress } from "../../progress.js";
import { readStart } from "../files.js";
import { tarEntries } from "./tar-entries.js";
import { inMegabytes } from "./transfer.js";
import type { UnpackWriter } from "./unpack-writer.js";

/** Unpacks a tar archive, gzipped or not. Links and devices are left out: data sets need none, and they lead elsewhere. */
export async function unpackTar(
  archive: string,
  writer: UnpackWriter,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const { size } = await stat(archive);
  const isGzip = Buffer.from(await readStart(archive, 2)).toString("hex") === "1f8b";
  progress.start(`Unpacking ${archive}`, inMegabytes(size), "MB");
  let read = 0;
  await pipeline(
    createReadStream(archive, { highWaterMark: 2 ** 18 }),
    async function* (pieces: AsyncIterable<Uint8Array>) {
      for await (const piece of pieces) {
        read += piece.length;
        progress.update(inMegabytes(read));
        yield piece;
      }
    },
    isGzip ? createGunzip() : new PassThrough(),
    async (content: AsyncIterable<Uint8Array>) => {
      for await (const entry of tarEntries(content, archive)) {
        if (entry.kind === "file") await writer.file(entry.name, entry.content);
        // Many archives start with their own folder, `./`.
        else if (entry.kind === "folder" && !/^\.\/?$/.test(entry.name)) await writer.folder(entry.name);
      }
    },
    { signal },
  );
  progress.finish();
}
