import { createHash } from "node:crypto";
import { rename, rm, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { CancelledError, OffmapError, RunError } from "../../errors.js";
import type { Progress } from "../../progress.js";
import { hashFile } from "../files.js";
import { type PartFile, partFile } from "./part-file.js";
import { Interrupted, inMegabytes, megabytes, transfer } from "./transfer.js";
import type { CatalogueFile } from "./types.js";

export interface DownloadContext {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Milliseconds before the second attempt, twice as long before each further one; default 1000. */
  readonly patience?: number;
}

/** Attempts in a row that may reach no further than those before. */
const mostFailures = 5;

/**
 * Downloads a file. What arrives is kept in `TARGET.part`: after a broken connection the download goes on from there, up to five
 * times in a row without getting further, and so does a later call. A server that cannot continue, or has another file by now, makes
 * it start over. A finished file is checked by length and checksum and then renamed, so `target` exists whole or not at all; one
 * that does not pass is kept as `TARGET.rejected`.
 *
 * @returns bytes that were downloaded by this call; 0 where the file was there
 * @throws RunError when the server refuses, the data are not what the catalogue says, or the disk cannot take them
 * @throws CancelledError on request; what has arrived stays
 */
export async function download(file: CatalogueFile, target: string, context: DownloadContext): Promise<number> {
  if ((await stat(target).catch(() => undefined)) !== undefined) {
    await check(file, target, target, context.progress);
    return 0;
  }
  const part = partFile(target);
  const received = await receive(file, part, context);
  await check(file, part.path, target, context.progress);
  await rename(part.path, target);
  await part.remove();
  return received;
}

async function receive(file: CatalogueFile, part: PartFile, context: DownloadContext): Promise<number> {
  const { signal, patience = 1000 } = context;
  let received = 0;
  let failures = 0;
  let furthest = 0;
  for (;;) {
    try {
      await transfer(file, part, { ...context, count: (bytes) => (received += bytes), freeBytes });
      return received;
    } catch (cause) {
      if (signal.aborted) throw await cancelled(file, part);
      if (!(cause instanceof Interrupted)) throw explained(file, part, cause);
      const reached = await part.size();
      failures = reached > furthest ? 1 : failures + 1;
      furthest = Math.max(furthest, reached);
      if (failures >= mostFailures) throw gaveUp(file, cause, reached);
      try {
        await wait(patience * 2 ** (failures - 1), undefined, { signal });
      } catch {
        throw await cancelled(file, part);
      }
    }
  }
}

/** @throws RunError for another length or checksum; the file is put aside */
async function check(
  { url, name, bytes, checksum }: CatalogueFile,
  path: string,
  target: string,
  progress: Progress,
): Promise<void> {
  const { size } = await stat(path);
  const wrong = await (async () => {
    if (bytes !== undefined && size !== bytes) return { expected: `${bytes} bytes`, received: String(size) };
    if (checksum === undefined) return undefined;
    progress.start(`Checking ${name}`, inMegabytes(size), "MB");
    const hash = createHash(checksum.algorithm);
    await hashFile(hash, path);
    progress.finish();
    const found = hash.digest("hex");
    if (found === checksum.hex) return undefined;
    return { expected: `${checksum.algorithm} ${checksum.hex}, as stated by ${checksum.statedBy}`, received: found };
  })();
  if (wrong === undefined) return;
  const rejected = `${target}.rejected`;
  await rename(path, rejected);
  await rm(`${target}.part.json`, { force: true });
  throw new RunError({
    where: url,
    ...wrong,
    hint: `the file is kept as ${rejected}; repeat the command, and if it comes out the same, the publisher has changed the file`,
  });
}

async function cancelled({ name }: CatalogueFile, part: PartFile): Promise<CancelledError> {
  return new CancelledError({
    problem: `stopped on request; ${megabytes(await part.size())} of ${name} are kept, and the same command goes on from there`,
  });
}

function gaveUp({ url }: CatalogueFile, cause: Interrupted, kept: number): RunError {
  return new RunError({
    where: url,
    problem: `${cause.message}, ${mostFailures} times in a row`,
    hint: `${megabytes(kept)} are kept; repeat the command later to go on from there`,
    cause,
  });
}

const networkProblems: Readonly<Record<string, string>> = {
  ENOTFOUND: "the server's name is not known; check the connection to the network",
  EAI_AGAIN: "the server's name cannot be looked up; check the connection to the network",
  CERT_HAS_EXPIRED: "the server's certificate has expired",
};

const diskProblems: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space and repeat the command",
  EDQUOT: "the disk quota is used up; free some space and repeat the command",
  EACCES: "writing there is not allowed; choose another --root",
  EPERM: "writing there is not allowed; choose another --root",
  EROFS: "the file system is read-only; choose another --root",
  EISDIR: "a folder of that name is in the way",
};

function explained({ url }: CatalogueFile, part: PartFile, cause: unknown): unknown {
  if (cause instanceof OffmapError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  const disk = diskProblems[code];
  if (disk !== undefined) return new RunError({ where: part.path, problem: disk, cause });
  return new RunError({ where: url, problem: networkProblems[code] ?? `the download failed: ${String(cause)}`, cause });
}

/** Room on the disk of a file. */
async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(dirname(path));
  return bavail * bsize;
}
