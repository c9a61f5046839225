/** Writing files so that a reader, or a run killed at any moment, sees either the old content or the new. */
import { randomUUID } from "node:crypto";
import { open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { RunError } from "./errors.js";

/**
 * Writes to a temporary name in the same folder and renames. A link stays, and what it leads to is replaced.
 *
 * @throws RunError naming the file when the folder cannot be written or the disk is full
 */
export async function writeFileAtomic(path: string, ...chunks: readonly (string | Uint8Array)[]): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, "wx");
    try {
      for (const chunk of chunks) await handle.writeFile(chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new RunError({
      where: path,
      problem: `it could not be written: ${reasonOf(cause)}`,
      hint: hintFor(cause),
      cause,
    });
  }
}

/**
 * The first of `paths` that is one of `others`, by whatever name or link; files that are not there are none.
 */
export async function sharedFile(paths: readonly string[], others: readonly string[]): Promise<string | undefined> {
  const identity = async (path: string) => {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    return found && `${found.dev} ${found.ino}`;
  };
  const known = new Set(await Promise.all(others.map(identity)));
  for (const path of paths) {
    const found = await identity(path);
    if (found !== undefined && known.has(found)) return path;
  }
  return undefined;
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EACCES: "writing there is not allowed",
  EPERM: "writing there is not allowed",
  EROFS: "the file system is read-only",
  ENOENT: "its folder does not exist",
  ENOTDIR: "part of its path is a file",
  EISDIR: "a folder of that name exists",
};

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  return reasons[code ?? ""] ?? String(cause);
}

function hintFor(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code === "ENOSPC"
    ? "free some space and repeat the command"
    : "choose another place";
}
