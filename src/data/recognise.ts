import { stat } from "node:fs/promises";
import { DataError, FormatError } from "../errors.js";
import { type DatasetKind, datasetKinds } from "./dataset-spec.js";
import { imageEndings } from "./decode.js";
import { readStart } from "./files.js";

/**
 * The kind of dataset that a bare path leads to: by content where it tells, otherwise by the ending of the name.
 *
 * @throws DataError when nothing is there, FormatError when it is nothing that is known
 */
export async function recogniseKind(path: string): Promise<DatasetKind> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new DataError({
      where: `dataset "${path}"`,
      problem: "no such file or folder",
      hint: `datasets are written KIND:PATH with KIND one of ${datasetKinds.join(", ")}, or as a path`,
    });
  }
  if (found.isDirectory()) return "folder";
  const start = Buffer.from(await readStart(path, 16));
  if (start.toString("latin1", 0, 6) === "\x93NUMPY") return "npy";
  if (start.toString("hex", 0, 3) === "000008" || start.toString("hex", 0, 2) === "1f8b") return "idx";
  if (start.toString("latin1").trimStart().startsWith("{") && path.endsWith(".json")) return "sheet";
  if (path.endsWith(".bin")) return "cifar";
  if (/\.(?:txt|lst)$/.test(path)) return "list";
  throw new FormatError({
    where: path,
    expected: "a dataset",
    received: received(path, start),
    hint: `say what it is: KIND:PATH with KIND one of ${datasetKinds.join(", ")}`,
  });
}

function received(path: string, start: Buffer): string {
  if (imageEndings.test(path)) return "a single image (its folder would be one)";
  if (start.toString("latin1", 0, 2) === "PK")
    return "a ZIP archive; arrays of an .npz must be saved one by one with numpy.save";
  return "a file of unknown kind";
}
