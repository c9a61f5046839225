import { z } from "zod";
import { FormatError, OptionError } from "../../errors.js";
import { readText } from "../files.js";
import type { LabelImage } from "./label-png.js";
import { mostClasses, outlierLabel, voidLabel } from "./types.js";

/** What the ids in a set's label files mean. */
export interface LabelMap {
  /** Train id, {@link outlierLabel} or {@link voidLabel} of each stored id; -1 for ids that must not occur. [256] */
  readonly table: Int16Array;
  /** Absent when the labels only tell anomalies from the rest. */
  readonly classNames?: readonly string[];
  /** The names before some classes were left out; absent where none were. */
  readonly allClasses?: readonly string[];
}

/**
 * @param ids  what each stored id (0..255) means: a train id, {@link outlierLabel} or {@link voidLabel}
 */
export function labelMap(
  ids: Iterable<readonly [id: number, label: number]>,
  classNames?: readonly string[],
): LabelMap {
  const table = new Int16Array(256).fill(-1);
  for (const [id, label] of ids) table[id] = label;
  return classNames === undefined ? { table } : { table, classNames };
}

/** The masks of Fishyscapes and SegmentMeIfYouCan: 0 in-distribution, 1 anomaly, 255 void. */
export const anomalyMask = labelMap([
  [0, 0],
  [1, outlierLabel],
  [255, voidLabel],
]);

const mapFile = z.strictObject({
  classes: z.array(z.string().min(1)).min(1).max(mostClasses),
  ids: z.record(z.string().regex(/^\d{1,3}$/), z.union([z.int().min(0), z.enum(["void", "outlier"])])),
});

/**
 * Reads a label map: `{"classes": ["road", "car"], "ids": {"7": 0, "26": 1, "0": "void", "30": "outlier"}}`. `classes`
 * names the train ids in order; `ids` says what each id of the label files means. Several ids may mean the same class.
 *
 * @throws FormatError naming what is wrong: other keys, an id over 255, a train id without a name, a class without an id
 */
export async function readLabelMap(path: string): Promise<LabelMap> {
  const text = await readText(path);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new FormatError({ where: path, problem: `it is no JSON (${(cause as Error).message})`, cause });
  }
  const parsed = mapFile.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FormatError({
      where: [path, ...(issue?.path ?? [])].join(" "),
      problem: issue?.message ?? "it is no label map",
      hint: 'a label map looks like {"classes": ["road"], "ids": {"7": 0, "0": "void", "30": "outlier"}}',
    });
  }
  const { classes, ids } = parsed.data;
  const pairs = Object.entries(ids).map(([id, meaning]): readonly [number, number] => {
    if (Number(id) > 255) throw new FormatError({ where: path, expected: "ids from 0 to 255", received: id });
    if (meaning === "void") return [Number(id), voidLabel];
    if (meaning === "outlier") return [Number(id), outlierLabel];
    if (meaning < classes.length) return [Number(id), meaning];
    throw new FormatError({
      where: `${path} id ${id}`,
      expected: `a train id below ${classes.length}, the number of classes, or "void" or "outlier"`,
      received: String(meaning),
    });
  });
  const used = new Set(pairs.map(([, label]) => label));
  const unused = classes.findIndex((_, label) => !used.has(label));
  if (unused >= 0) {
    throw new FormatError({ where: path, problem: `no id means class ${unused}, "${classes[unused]}"` });
  }
  return labelMap(pairs, classes);
}

/** Classes to turn into something else, each by name or train id. */
export interface ClassesLeftOut {
  readonly void?: readonly string[];
  readonly outlier?: readonly string[];
}

/**
 * Turns classes into void or anomalies and numbers the remaining ones anew from 0, in their order: of eleven classes
 * without `pedestrian` (9) and `bicyclist` (10) remain 0..8. Whether they become void or anomalies, the numbers are the
 * same, so that a model trained on the one set is tested on the other.
 *
 * @param where  the dataset as the user wrote it
 * @throws OptionError for a class that is not there or is named twice, and when none would remain
 */
export function leaveOutClasses(map: LabelMap, left: ClassesLeftOut, where: string): LabelMap {
  const wanted = [
    ...(left.void ?? []).map((name) => ({ name, label: voidLabel })),
    ...(left.outlier ?? []).map((name) => ({ name, label: outlierLabel })),
  ];
  if (wanted.length === 0) return map;
  const names = map.classNames;
  if (names === undefined) {
    throw new OptionError({ where, problem: "classes cannot be left out, because its labels tell no classes" });
  }
  const changed = new Map<number, number>();
  for (const { name, label } of wanted) {
    const byName = names.indexOf(name);
    const index = byName < 0 && /^\d+$/.test(name) ? Number(name) : byName;
    if (index < 0 || index >= names.length) {
      throw new OptionError({ where, expected: `one of its classes (${names.join(", ")})`, received: `"${name}"` });
    }
    if (changed.has(index)) throw new OptionError({ where, problem: `class "${names[index]}" is left out twice` });
    changed.set(index, label);
  }
  const remaining = names.flatMap((_, index) => (changed.has(index) ? [] : [index]));
  if (remaining.length === 0) throw new OptionError({ where, problem: "no class remains" });
  const renumbered = new Map(remaining.map((index, label) => [index, label]));
  return {
    table: map.table.map((label) => changed.get(label) ?? renumbered.get(label) ?? label),
    classNames: remaining.map((index) => names[index] as string),
    allClasses: names,
  };
}

/**
 * Ids of a label file as train ids, {@link outlierLabel} and {@link voidLabel}.
 *
 * @throws FormatError naming the file, pixel and id that the map does not have
 */
export function applyLabelMap({ table }: LabelMap, { data, width }: LabelImage, where: string): Uint8Array {
  const labels = new Uint8Array(data.length);
  // Several ids may be wrong; a flag keeps the loop free of branches.
  let worst = 0;
  for (let pixel = 0; pixel < data.length; pixel++) {
    const label = table[data[pixel] as number] as number;
    worst |= label;
    labels[pixel] = label;
  }
  if (worst >= 0) return labels;
  const pixel = data.findIndex((id) => (table[id] as number) < 0);
  throw new FormatError({
    where: `${where}, row ${Math.floor(pixel / width)}, column ${pixel % width}`,
    expected: `an id of the label map (${listIds(table)})`,
    received: String(data[pixel]),
    hint: "the map belongs to other label files, or these are coloured or damaged",
  });
}

/** `0 to 11, 255`: ids that the map has, in ranges. */
function listIds(table: Int16Array): string {
  const ranges: string[] = [];
  for (let id = 0; id < table.length; id++) {
    if ((table[id] as number) < 0) continue;
    const start = id;
    while (id + 1 < table.length && (table[id + 1] as number) >= 0) id++;
    ranges.push(start === id ? `${id}` : `${start} to ${id}`);
  }
  return ranges.join(", ");
}
