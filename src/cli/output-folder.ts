import { mkdir } from "node:fs/promises";
import { OptionError } from "../errors.js";

/** Makes the folder for results, before any work is done for it. */
export async function makeOutputFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new OptionError({
      where: "--out",
      expected: "a folder that exists or can be made",
      received: `${path}, ${reasons[code ?? ""] ?? String(cause)}`,
      hint: "choose another place",
      cause,
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  EEXIST: "where a file of that name exists",
  ENOTDIR: "where part of the path is a file",
  EACCES: "where writing is not allowed",
  EPERM: "where writing is not allowed",
  EROFS: "on a read-only file system",
  ENOSPC: "on a full disk",
  ENOENT: "which cannot be made there",
};
