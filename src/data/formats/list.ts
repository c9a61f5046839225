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
 * `NAME.classes.txt` beside the list.
 *
 * @throws FormatError for a line that is none of these, DataError for an image that is not there
 */
export async function openList(path: string, options: DatasetOptions): Promise<ImageSource> {
  const lines = splitLines(await readText(path));
  const checked = !ignoresLabels(options);
  const entries = lines.flatMap((line, index) =>
    line.trim() === "" ? [] : [{ ...parseLine(line.trim(), `${path} line ${index + 1}`, checked), line: index + 1 }],
  );
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
  await checkPresent(
    files,
    (index) => `${path} line ${(entries[index] as Entry & { line: number }).line}`,
    options.root,
  );
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
}

/** @param checked  whether labels must be numbers of classes */
function parseLine(line: string, where: string, checked: boolean): Entry {
  if (line.includes("\0")) throw new FormatError({ where, expected: "a path and a label", received: "a zero byte" });
  // A file may have a brace in its name; a dict begins with a key.
  const brace = line.search(/ \{\s*['"]/);
  if (brace > 0)
    return { file: line.slice(0, brace).trimEnd(), labels: parseDict(line.slice(brace + 1), where, checked) };
  const numbered = /^(.*\S)\s+(-?\d+)$/.exec(line);
  if (numbered !== null) {
    const label = Number(numbered[2]);
    if (checked) checkLabel(label, "label", where);
    return { file: numbered[1] as string, labels: new Map([["label", label]]) };
  }
  const last = /\s(\S+)$/.exec(line)?.[1];
  if (last !== undefined && (!/\.\w+$/.test(last) || /^-?\d*\.\d+$/.test(last))) {
    throw new FormatError({ where, expected: "an integer label after the path", received: `"${last.slice(0, 40)}"` });
  }
  return { file: line, labels: new Map() };
}

function parseDict(text: string, where: string, checked: boolean): ReadonlyMap<string, number> {
  const dict = parsePythonLiteral(text, where);
  const labels = new Map<string, number>();
  if (dict instanceof Map) {
    for (const [key, value] of dict) {
      if (typeof value !== "number") continue;
      if (checked) checkLabel(value, key, where);
      labels.set(key, value);
    }
  }
  if (labels.has("label")) return labels;
  throw new FormatError({ where, expected: "a dict with a 'label'", received: text.slice(0, 60) });
}

function checkLabel(value: number, name: string, where: string): void {
  if (Number.isInteger(value) && value >= -1 && value < 1_000_000) return;
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
