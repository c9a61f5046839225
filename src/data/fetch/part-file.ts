/** A download under way: `NAME.part`, and `NAME.part.json` with what tells whether the server still has the same file. */
import { open, readFile, rm, stat } from "node:fs/promises";
import * as z from "zod";
import { writeFileAtomic } from "../../files.js";

const Origin = z.object({
  url: z.string(),
  /** A strong ETag, or the date of the last change: what If-Range takes. */
  validator: z.string().optional(),
});

export type Origin = z.infer<typeof Origin>;

export interface PartFile {
  readonly path: string;
  /** Bytes that are there; 0 where there is no such file. */
  size(): Promise<number>;
  /** Where the bytes come from; undefined where that is not known. */
  origin(): Promise<Origin | undefined>;
  setOrigin(origin: Origin): Promise<void>;
  /** Opened for writing at any place, cut to `keep` bytes. */
  openAt(keep: number): ReturnType<typeof open>;
  remove(): Promise<void>;
}

export function partFile(target: string): PartFile {
  const path = `${target}.part`;
  const notes = `${path}.json`;
  return {
    path,
    size: async () => (await stat(path).catch(() => undefined))?.size ?? 0,
    async origin() {
      try {
        return Origin.parse(JSON.parse(await readFile(notes, "utf8")));
      } catch {
        // Missing or broken notes only mean that the download starts over.
        return undefined;
      }
    },
    setOrigin: (origin) => writeFileAtomic(notes, `${JSON.stringify(origin)}\n`),
    async openAt(keep) {
      const handle = await open(path, keep > 0 ? "r+" : "w");
      if (keep > 0) await handle.truncate(keep);
      return handle;
    },
    async remove() {
      await rm(path, { force: true });
      await rm(notes, { force: true });
    },
  };
}
