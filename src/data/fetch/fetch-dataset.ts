import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DataError, RunError } from "../../errors.js";
import { writeFileAtomic } from "../../files.js";
import { lock } from "../../lock.js";
import { type DownloadContext, download } from "./download.js";
import { prepare } from "./prepare.js";
import type { CatalogueEntry, CatalogueFile, DatasetUse } from "./types.js";
import { unpack } from "./unpack.js";

export interface FetchedDataset {
  readonly name: string;
  readonly folder: string;
  /** `present` where it was there before. */
  readonly status: "fetched" | "present";
  /** Bytes that were downloaded now. */
  readonly bytes: number;
  /** How to open it. */
  readonly uses: readonly DatasetUse[];
}

/** In the folder of a fetched data set: what it was made from. */
const receiptName = "fetched.json";

/**
 * Fetches a data set of the catalogue into `ROOT/NAME`. Everything is downloaded, checked, unpacked and prepared in
 * `ROOT/NAME.part` first, which is renamed at the end: `ROOT/NAME` is there whole or not at all, and a later call goes on where
 * an earlier one stopped. A data set that is there is left alone.
 *
 * @throws DataError where the user has to do it by hand, or something else is at that place
 * @throws OptionError while another process fetches it to the same place
 * @throws RunError when a download fails, FormatError for an archive that cannot be trusted, CancelledError on request
 */
export async function fetchDataset(
  entry: CatalogueEntry,
  root: string,
  context: DownloadContext,
): Promise<FetchedDataset> {
  const { name } = entry;
  const folder = join(root, name);
  const found = { name, folder, uses: usesOf(entry, folder) };
  if (await isFetched(entry, folder)) return { ...found, status: "present", bytes: 0 };
  if (entry.byHand !== undefined) {
    throw new DataError({
      where: name,
      problem: "this data set cannot be fetched without you",
      hint: entry.byHand.replaceAll("{}", folder),
    });
  }
  const staging = `${folder}.part`;
  await makeFolder(staging);
  const unlock = await lock(`${folder}.lock`, { where: "--root", place: staging, work: "fetch" });
  try {
    // Another may have finished it since.
    if (await isFetched(entry, folder)) {
      await rm(staging, { recursive: true, force: true });
      return { ...found, status: "present", bytes: 0 };
    }
    const bytes = await fetchInto(staging, entry, context);
    await rename(staging, folder);
    return { ...found, status: "fetched", bytes };
  } finally {
    await unlock();
  }
}

/** Downloads, checks, unpacks and prepares what the folder lacks. */
async function fetchInto(
  staging: string,
  { title, files, preparations = [] }: CatalogueEntry,
  context: DownloadContext,
): Promise<number> {
  const receipt = join(staging, receiptName);
  const done = await readReceipt(receipt);
  let bytes = 0;
  for (const file of files) {
    if (!done.some(({ url }) => url === file.url)) {
      bytes += await fetchFile(file, staging, context);
      done.push({ url: file.url, checksum: file.checksum?.hex });
      await writeFileAtomic(receipt, `${JSON.stringify({ title, files: done }, null, 2)}\n`);
    }
    // An archive goes when it is noted as unpacked, so that it need never be downloaded again.
    if (file.unpack) await rm(join(staging, file.name), { force: true });
  }
  for (const preparation of preparations) await prepare(staging, preparation);
  return bytes;
}

async function fetchFile(file: CatalogueFile, staging: string, context: DownloadContext): Promise<number> {
  const target = join(staging, file.name);
  const bytes = await download(file, target, context);
  if (!file.unpack) return bytes;
  const { progress, signal } = context;
  await unpack(target, file.into === undefined ? staging : join(staging, file.into), { progress, signal });
  return bytes;
}

/** How to open a data set that lies in a folder. */
export function usesOf({ uses }: CatalogueEntry, folder: string): readonly DatasetUse[] {
  return uses.map(({ what, dataset }) => ({ what, dataset: dataset.replaceAll("{}", folder) }));
}

/**
 * Whether the data set is there.
 *
 * @throws DataError when its place is taken by something that was not fetched
 */
export async function isFetched({ name, byHand }: CatalogueEntry, folder: string): Promise<boolean> {
  const there = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw new DataError({ where: folder, problem: "it cannot be looked into", hint: "choose another --root", cause });
  });
  if (there === undefined) return false;
  // What was put there by hand is taken as it is; an empty folder is nothing yet.
  if (byHand !== undefined) return there.length > 0;
  if (there.includes(receiptName)) return true;
  throw new DataError({
    where: folder,
    problem: `this folder was not made by fetching ${name}, and is left alone`,
    hint: "move it away or choose another --root",
  });
}

interface ReceiptFile {
  readonly url: string;
  readonly checksum?: string | undefined;
}

async function readReceipt(path: string): Promise<ReceiptFile[]> {
  try {
    const { files } = JSON.parse(await readFile(path, "utf8")) as { files: ReceiptFile[] };
    return files;
  } catch {
    // None yet: nothing is done.
    return [];
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new RunError({
      where: path,
      problem: `the folder cannot be made (${(cause as NodeJS.ErrnoException).code})`,
      hint: "choose another --root",
      cause,
    });
  }
}
