import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { DataError, FormatError } from "../../errors.js";
import { type DatasetOptions, ignoresLabels } from "../dataset-options.js";
import { readClassNames, readText, splitLines } from "../files.js";
import { parsePythonLiteral } from "../python-literal.js";
import type { ImageSource } from "../types.js";
import { fileSource } from "./folder.js";

/**
 * An image list, one image a line:
 * - `path label`, as OpenOOD writes them (the label after the last space);
 * - `path {'label': 3, 'sc_label': -1}`, as SC-OOD does: a Python dict after the first ` {`. `label` becomes the labels
 *   and every key a label set of its own;
 * - `path` alone, for all lines or none.
 *
 * Paths are relative to the list's folder or to `root=DIR`. Empty lines are passed over. Class names are those of
 * `NAME.classes.txt` beside the list. Where nothing looks at labels, what comes after the paths may be anything.
 *
 * @throws FormatError for a line that is none of these, DataError for an image that is not there
 */
export async function openList(path: string, options: DatasetOptions): Promise<ImageSource> {
  const lines = splitLines(await readText(path));
  const unlabelled = ignoresLabels(options);
  const entries = lines.flatMap((text, index): Entry[] => {
    if (text.trim() === "") return [];
    const where = `${path} line ${index + 1}`;
    const { file, told } = splitLine(text.trim(), where);
    return [{ file, labels: unlabelled ? new Map() : readLabels(told, where), line: index + 1 }];
  });
  const [first] = entries;
  if (first === undefined)
    throw new DataError({ where: path, expected: "a list of images", received: "an empty file" });
  const keys = [...first.labels.keys()];
  for (const entry of entries) {
    if (entry.labels.size !== keys.length || keys.some((key) => !entry.labels.has(key))) {
      throw new FormatError({
        where: `${path} line ${entry.line}`,
        expected:
          keys.length === 0 ? "no label, as in the lines before" : `labels as in the lines before (${keys.join(", ")})`,
        received: [...entry.labels.keys()].join(", ") || "no label",
      });
    }
  }
  const root = resolve(options.root ?? dirname(path));
  const files = entries.map((entry) => resolve(root, entry.file));
  await checkPresent(files, (index) => `${path} line ${(entries[index] as Entry).line}`, options.root);
  const column = (key: string): Int32Array => Int32Array.from(entries, (entry) => entry.labels.get(key) as number);
  const labels = keys.includes("label") ? column("label") : undefined;
  const further = keys.filter((key) => key !== "label");
  return fileSource(
    files,
    root,
    labels,
    await readClassNames(path),
    further.length === 0 ? undefined : Object.fromEntries(further.map((key) => [key, column(key)])),
  );
}

interface Entry {
  readonly file: string;
  readonly labels: ReadonlyMap<string, number>;
  /** Where it is in the list, from 1. */
  readonly line: number;
}

/** The path of a line, and what is told of it after that. */
function splitLine(line: string, where: string): { readonly file: string; readonly told?: string } {
  if (line.includes("\0")) throw new FormatError({ where, expected: "a path and a label", received: "a zero byte" });
  // A file may have a brace in its name; a dict begins with a key.
  const brace = line.search(/ \{\s*['"]/);
  if (brace > 0) return { file: line.slice(0, brace).trimEnd(), told: line.slice(brace + 1) };
  const [, file, last] = /^(.*\S)\s+(\S+)$/.exec(line) ?? [];
  if (file === undefined || last === undefined) return { file: line };
  // A path with spaces is told from a label by the ending of its last part, which a decimal number seems to have too.
  const endsPath = /\.\w+$/.test(last) && Number.isNaN(Number(last));
  return endsPath ? { file: line } : { file, told: last };
}

function readLabels(told: string | undefined, where: string): ReadonlyMap<string, number> {
  if (told === undefined) return new Map();
  if (told.startsWith("{")) return parseDict(told, where);
  if (/^-?\d+$/.test(told)) return new Map([["label", checkLabel(Number(told), "label", where)]]);
  throw new FormatError({ where, expected: "an integer label after the path", received: `"${told.slice(0, 40)}"` });
}

function parseDict(text: string, where: string): ReadonlyMap<string, number> {
  const dict = parsePythonLiteral(text, where);
  const labels = new Map<string, number>();
  if (dict instanceof Map) {
    for (const [key, value] of dict) {
      if (typeof value === "number") labels.set(key, checkLabel(value, key, where));
    }
  }
  if (labels.has("label")) return labels;
  throw new FormatError({ where, expected: "a dict with a 'label'", received: text.slice(0, 60) });
}

function checkLabel(value: number, name: string, where: string): number {
  if (Number.isInteger(value) && value >= -1 && value < 1_000_000) return value;
  throw new FormatError({ where, expected: `an integer ${name} from -1 to 999999`, received: String(value) });
}

/** Questions to the file system that run at once. */
const concurrency = 64;

async function checkPresent(
  files: readonly string[],
  place: (index: number) => string,
  root: string | undefined,
): Promise<void> {
  for (let start = 0; start < files.length; start += concurrency) {
    const some = files.slice(start, start + concurrency);
    const present = await Promise.all(
      some.map((file) =>
        stat(file).then(
          (found) => found.isFile(),
          () => false,
        ),
      ),
    );
    const missing = present.indexOf(false);
    if (missing < 0) continue;
    throw new DataError({
      where: place(start + missing),
      problem: `there is no image ${some[missing]}`,
      hint: root === undefined ? "add ?root=DIR when paths start elsewhere than at the list" : "check root",
    });
  }
}
