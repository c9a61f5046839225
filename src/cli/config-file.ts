/** `--config run.yaml`: the options of a command in a file, with errors that name the line and the column. */
import { readFile, stat } from "node:fs/promises";
import type { Document, Node as YamlNode } from "yaml";
import { FormatError, OptionError } from "../errors.js";
import { nearest } from "./nearest.js";
import { nameOf, type OptionDeclarations } from "./option.js";
import type { RawOptions } from "./raw-options.js";

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
  const { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } = await import("yaml");
  const lines = new LineCounter();
  const document: Document.Parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}, line ${line}, column ${col}`;
  };
  const place = (node: unknown) => at((node as YamlNode | null)?.range?.[0] ?? 0);
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw new FormatError({ where: at(broken.pos[0]), problem: `not valid YAML: ${broken.message}` });
  }
  const result: RawOptions = new Map();
  if (document.contents === null) return result;
  if (!isMap(document.contents)) {
    throw new FormatError({
      where: place(document.contents),
      expected: "options as KEY: VALUE, such as epochs: 5",
      received: isSeq(document.contents) ? "a list" : "a single value",
    });
  }
  const keys = new Map(Object.entries(declarations).map(([key, option]) => [nameOf(key, option), key]));
  for (const { key, value } of document.contents.items) {
    const name = isScalar(key) ? String(key.value) : "a key that is not a word";
    const declared = keys.get(name);
    if (declared === undefined) throw unknownKey(name, place(key), [...keys.keys()]);
    const { many, placeholder } = declarations[declared] as OptionDeclarations[string];
    const where = `${place(value ?? key)} (${name})`;
    const scalar = (node: unknown, expected: string): string => {
      if (isScalar(node) && node.value !== null) {
        const word = typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
        if (placeholder !== undefined || typeof node.value === "boolean") return word;
      }
      const received =
        node === null || (isScalar(node) && node.value === null)
          ? "nothing"
          : isSeq(node)
            ? "a list"
            : isMap(node)
              ? "a mapping"
              : isAlias(node)
                ? "an alias"
                : `"${String((node as { value?: unknown }).value)}"`;
      throw new OptionError({ where, expected, received });
    };
    const expected = placeholder === undefined ? "true or false" : "one value";
    const texts =
      many !== undefined && isSeq(value)
        ? value.items.map((item) => scalar(item, "a list of plain values"))
        : [scalar(value, many === undefined ? expected : "a value or a list of values")];
    result.set(declared, { texts, where });
  }
  return result;
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

function unknownKey(name: string, where: string, known: readonly string[]): OptionError {
  const meant = nearest(name, known);
  return new OptionError({
    where,
    problem: `unknown option "${name}"`,
    hint: meant === undefined ? `known are ${known.join(", ")}` : `did you mean ${meant}?`,
  });
}
