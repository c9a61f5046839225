import { readFile } from "node:fs/promises";
import { DataError, FormatError } from "../errors.js";
import { describePrior, type Prior } from "./prior.js";

/** Reads a file that `offmap prior --out` wrote, or any JSON with `counts` or `prior`. */
export async function readPrior(path: string, classes: number): Promise<Prior> {
  let found: { counts?: unknown; prior?: unknown } | null;
  try {
    found = JSON.parse(await readFile(path, "utf8")) as typeof found;
  } catch (cause) {
    throw new FormatError({
      where: path,
      expected: "a JSON file written by `offmap prior`",
      received: String(cause),
      cause,
    });
  }
  const values = found?.counts ?? found?.prior ?? found;
  if (
    !Array.isArray(values) ||
    !values.every((value) => typeof value === "number" && Number.isFinite(value) && value >= 0)
  ) {
    throw new FormatError({
      where: path,
      expected: "a list of numbers of at least 0 named counts or prior",
      received: "something else",
    });
  }
  if (values.length !== classes || !values.some((value) => value > 0)) {
    throw new DataError({
      where: path,
      expected: `one number for each of the model's ${classes} classes, not all 0`,
      received: `${values.length} numbers`,
      hint: "measure it again with `offmap prior` on this model",
    });
  }
  return describePrior(values as number[]);
}
