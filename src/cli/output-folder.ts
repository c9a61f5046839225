import { access, constants, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { OptionError } from "../errors.js";
import { sharedFile } from "../files.js";

/** Makes the folder for results, before any work is done for it. */
export async function makeOutputFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
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

/**
 * Checks the place of a file to be written, before any work is done for it.
 *
 * @param inputs  files that it is made from, which it must not replace
 */
export async function checkOutputFile(path: string, inputs: readonly (string | undefined)[]): Promise<void> {
  const fail = (received: string, hint: string) => {
    throw new OptionError({ where: "--out", expected: "a file in an existing folder", received, hint });
  };
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory()) fail(`${path}, whose folder does not exist`, "make the folder first");
  await access(dirname(path), constants.W_OK).catch((cause: NodeJS.ErrnoException) =>
    fail(`${path}, ${reasons[cause.code ?? ""] ?? String(cause)}`, "choose another place"),
  );
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined && !there.isFile()) fail(`${path}, which is no regular file`, "choose another name");
  await keepInputs([path], inputs);
}

/** @throws OptionError where one of the files to be written is one of those that are read */
export async function keepInputs(outputs: readonly string[], inputs: readonly (string | undefined)[]): Promise<void> {
  const taken = await sharedFile(
    outputs,
    inputs.filter((path) => path !== undefined),
  );
  if (taken !== undefined) {
    throw new OptionError({
      where: "--out",
      expected: "a place where nothing that is read would be written over",
      received: taken,
      hint: "choose another name or folder",
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
