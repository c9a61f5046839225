import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "./files.js";

export interface FolderEntry {
  readonly name: string;
  /** `lost` for a link that leads nowhere, `other` for sockets and their like. */
  readonly kind: "file" | "folder" | "lost" | "other";
}

/**
 * What lies in a folder: links are followed, hidden files and folders passed over.
 *
 * @throws DataError when the folder cannot be read
 */
export async function entriesOf(folder: string): Promise<FolderEntry[]> {
  const found: FolderEntry[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(failed(folder))) {
    const { name } = entry;
    if (name.startsWith(".") || name === "__MACOSX") continue;
    const target = entry.isSymbolicLink() ? await stat(join(folder, name)).catch(() => undefined) : entry;
    if (target === undefined) found.push({ name, kind: "lost" });
    else found.push({ name, kind: target.isDirectory() ? "folder" : target.isFile() ? "file" : "other" });
  }
  return found;
}

/**
 * The real paths of a folder and those above it, for going down into it.
 *
 * @param above  of the folders above
 * @returns undefined for one of these, to which a link has led back
 * @throws DataError when the folder cannot be found
 */
export async function goingDown(folder: string, above: ReadonlySet<string>): Promise<ReadonlySet<string> | undefined> {
  const real = await realpath(folder).catch(failed(folder));
  return above.has(real) ? undefined : new Set([...above, real]);
}

const failed = (folder: string) => (cause: unknown) => {
  throw fileError(folder, cause);
};

/** Python's order of strings; JavaScript's own differs for characters beyond U+FFFF. */
export function byCodePoint(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
