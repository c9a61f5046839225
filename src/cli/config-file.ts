/** `--config run.yaml`: the options of a command in a file, with errors that name the line and the column. */
import { readFile, stat } from "node:fs/promises";
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { FormatError, OptionError } from "../errors.js";
import { nearest } from "./nearest.js";
import { nameOf, type Option, type OptionDeclarations } from "./option.js";
import type { RawOptions, RawValue } from "./raw-options.js";

/** Far more than all options take. */
const largestBytes = 1 << 20;

/**
 * Reads a YAML file whose keys are the long flag names. Values are scalars; options that may be given several times take a
 * list too.
 *
 * @throws FormatError | OptionError with file, line and column
 */
export async function readConfigFile(path: string, declarations: OptionDeclarations): Promise<RawOptions> {
  const text = await readText(path);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}, line ${line}, column ${col}`;
  };
  const place = (node: unknown) => at(isNode(node) ? (node.range?.[0] ?? 0) : 0);
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw new FormatError({ where: at(broken.pos[0]), problem: `not valid YAML: ${broken.message}` });
  }
  if (document.contents === null) return new Map();
  if (!isMap(document.contents)) {
    throw new FormatError({
      where: place(document.contents),
      expected: "options as KEY: VALUE, such as epochs: 5",
      received: kindOf(document.contents),
    });
  }
  const keys = new Map(Object.entries(declarations).map(([key, option]) => [nameOf(key, option), key]));
  const result: RawOptions = new Map();
  for (const { key, value } of document.contents.items) {
    const name = isScalar(key) ? String(key.value) : "a key that is not a word";
    const declared = keys.get(name);
    if (declared === undefined) throw unknownKey(name, place(key), [...keys.keys()]);
    const where = (node: unknown) => `${place(node ?? key)} (${name})`;
    result.set(declared, rawValues(value, declarations[declared] as Option, where));
  }
  return result;
}

function rawValues(value: unknown, option: Option, where: (node: unknown) => string): RawValue[] {
  const { many, placeholder } = option;
  const read = (node: unknown, expected: string): RawValue => {
    if (isScalar(node) && node.value !== null) {
      // Numbers as they are written: 1e-3 stays 1e-3. Of a truth value YAML has several spellings, options have one.
      const text = typeof node.value === "number" ? (node.source ?? String(node.value)) : String(node.value);
      if (placeholder !== undefined || typeof node.value === "boolean") return { text, where: where(node) };
    }
    throw new OptionError({ where: where(node), expected, received: kindOf(node) });
  };
  if (placeholder === undefined) return [read(value, "true or false")];
  if (many === undefined) return [read(value, "one value")];
  if (!isSeq(value)) return [read(value, "a value or a list of values")];
  if (value.items.length === 0) {
    throw new OptionError({ where: where(value), expected: "a value or a list of values", received: "an empty list" });
  }
  return value.items.map((item) => read(item, "a list of plain values"));
}

function kindOf(node: unknown): string {
  if (isSeq(node)) return "a list";
  if (isMap(node)) return "a mapping";
  if (isAlias(node)) return "an alias";
  return isScalar(node) && node.value !== null ? `"${String(node.value)}"` : "nothing";
}

async function readText(path: string): Promise<string> {
  const where = `--config ${path}`;
  const expected = "a YAML file";
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) throw new OptionError({ where, expected, received: "a folder" });
    if (stats.size > largestBytes) {
      throw new OptionError({ where, expected: `${expected} of at most 1 MiB`, received: `${stats.size} bytes` });
    }
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof OptionError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new OptionError({ where, expected, received: missing ? "no such file" : String(cause), cause });
  }
}

export function unknownKey(name: string, where: string, known: readonly string[]): OptionError {
  const meant = nearest(name, known);
  return new OptionError({
    where,
    problem: `unknown option "${name}"`,
    hint: meant === undefined ? `known are ${known.join(", ")}` : `did you mean ${meant}?`,
  });
}
