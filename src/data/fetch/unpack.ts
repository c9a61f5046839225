import { stat } from "node:fs/promises";
import { CancelledError, FormatError, OffmapError } from "../../errors.js";
import type { Progress } from "../../progress.js";
import { readStart } from "../files.js";
import { unpackTar } from "./unpack-tar.js";
import { unpackWriter } from "./unpack-writer.js";
import { unpackZip } from "./unpack-zip.js";

export interface UnpackOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** What all files together may hold; default: 20 times the archive, and at least 4 GiB. */
  readonly mostBytes?: number;
}

/** Images shrink by little and annotations by a factor of 5; masks in arrays of mostly zeros shrink most, and are few. */
const mostGrowth = 20;
const alwaysAllowed = 2 ** 32;

/**
 * Unpacks a .zip, .tar or compressed .tar archive, recognised by its content, into a folder. Files that are there are
 * replaced. Names that lead out of the folder are refused; links and devices are left out: data sets need none.
 *
 * @throws FormatError for an archive that is broken, hostile or larger inside than allowed
 * @throws CancelledError on request, with the files so far left in place
 */
export async function unpack(
  archive: string,
  folder: string,
  { progress, signal, mostBytes }: UnpackOptions,
): Promise<void> {
  const { size } = await stat(archive);
  const most = mostBytes ?? Math.max(size * mostGrowth, alwaysAllowed);
  const writer = unpackWriter(archive, folder, most, signal);
  const start = Buffer.from(await readStart(archive, 512));
  const isZip = start.toString("latin1", 0, 2) === "PK";
  const isTar = start.toString("hex", 0, 2) === "1f8b" || start.toString("latin1", 257, 262) === "ustar";
  if (!isZip && !isTar) {
    throw new FormatError({ where: archive, expected: "a .zip, .tar or .tar.gz archive", received: "another file" });
  }
  try {
    await (isZip ? unpackZip : unpackTar)(archive, writer, progress, signal);
  } catch (cause) {
    throw signal.aborted ? new CancelledError({ problem: "stopped on request", cause }) : explained(cause, archive);
  }
}

/** Complaints of the decoders about the archive; those of the disk pass through. */
function explained(cause: unknown, archive: string): unknown {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  if (cause instanceof OffmapError || /^E[A-Z]+$/.test(code)) return cause;
  return new FormatError({
    where: archive,
    problem: `the archive is broken (${message})`,
    hint: "remove it and fetch it again",
    cause,
  });
}
