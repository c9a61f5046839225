import { OptionError } from "../errors.js";
import type { DatasetKind, DatasetSpec } from "./dataset-spec.js";
import { decodeValue } from "./dataset-spec.js";
import type { Size } from "./types.js";

/** How an image of another size is brought to the model's: see `resize.ts`. */
export type ResizeMode = "stretch" | "crop";

export interface LongTail {
  readonly shape: "exp" | "step";
  /** Images of the rarest class over those of the most frequent one, in (0, 1]. */
  readonly ratio: number;
}

/** What the part after the question mark says, checked. */
export interface DatasetOptions {
  /** Keep that many images: the first, or with `seed` a random sample in the dataset's order. */
  readonly limit?: number;
  /** Keep these classes only, each by name or index. */
  readonly include?: readonly string[];
  /** Leave these classes out, each by name or index. */
  readonly exclude?: readonly string[];
  readonly longTail?: LongTail;
  /** Keep at most that many images of each class: the first, or with `seed` random ones. */
  readonly perClass?: number;
  /** Forget the labels, once classes are selected. */
  readonly labels?: "none";
  /** Makes every selection random instead of the first images. */
  readonly seed?: number;
  /** What images are brought to, where no model says it. */
  readonly size?: Size;
  /** Default `stretch`. */
  readonly resize?: ResizeMode;
  /** CIFAR files: 10 for one label byte, 100 for a coarse and a fine one, when the size of the file leaves it open. */
  readonly classes?: 10 | 100;
  /** NPY files: order of the axes, when the shape leaves it open. */
  readonly layout?: "nhwc" | "nchw";
  /** Image lists: the folder that the paths are relative to; default the list's own. */
  readonly root?: string;
}

/** Whether nothing looks at the labels, as with outliers, which come with whatever labels their makers gave them: they cannot be wrong then. */
export function ignoresLabels({ labels, include, exclude, perClass, longTail }: DatasetOptions): boolean {
  return labels === "none" && [include, exclude, perClass, longTail].every((option) => option === undefined);
}

type Reader = (value: string, where: string) => Partial<DatasetOptions>;

const common: Readonly<Record<string, Reader>> = {
  limit: (value, where) => ({ limit: count(value, where) }),
  include: (value, where) => ({ include: names(value, where) }),
  exclude: (value, where) => ({ exclude: names(value, where) }),
  "long-tail": (value, where) => ({ longTail: longTail(value, where) }),
  "per-class": (value, where) => ({ perClass: count(value, where) }),
  labels: (value, where) => ({ labels: choice(value, ["none"], where) }),
  seed: (value, where) => ({ seed: integer(value, 0, where) }),
  size: (value, where) => ({ size: parseSize(value, where) }),
  resize: (value, where) => ({ resize: choice(value, ["stretch", "crop"], where) }),
};

const ofKind: Readonly<Record<DatasetKind, Readonly<Record<string, Reader>>>> = {
  cifar: {
    classes: (value, where) => ({ classes: choice(value, ["10", "100"], where) === "10" ? 10 : 100 }),
  },
  folder: {},
  list: { root: (value, where) => ({ root: decodeValue(value, where) }) },
  idx: {},
  npy: { layout: (value, where) => ({ layout: choice(value, ["nhwc", "nchw"], where) }) },
  sheet: {},
};

/**
 * Checks the options of a dataset of a known kind.
 *
 * @throws OptionError for an unknown option, with the list of known ones, and for a value out of range
 */
export function parseDatasetOptions(spec: DatasetSpec, kind: DatasetKind): DatasetOptions {
  const readers = { ...common, ...ofKind[kind] };
  let options: DatasetOptions = {};
  for (const [name, value] of spec.options) {
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read === undefined) {
      throw new OptionError({
        where: `dataset "${spec.text}"`,
        expected: `options of a ${kind} dataset (${Object.keys(readers).join(", ")})`,
        received: `"${name}"`,
      });
    }
    options = { ...options, ...read(value, `dataset "${spec.text}", option ${name}`) };
  }
  return options;
}

export function integer(value: string, least: number, where: string): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number) || number < least) {
    throw new OptionError({ where, expected: `an integer of at least ${least}`, received: `"${value}"` });
  }
  return number;
}

/** Longest side that is believed. */
const mostPixels = 65_536;

/** `HEIGHTxWIDTH`. @throws OptionError for anything else */
export function parseSize(value: string, where: string): Size {
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(value);
  const [height, width] = [Number(match?.[1]), Number(match?.[2])];
  if (!(height >= 1 && width >= 1 && height <= mostPixels && width <= mostPixels)) {
    throw new OptionError({ where, expected: "HEIGHTxWIDTH, for example 180x240", received: `"${value}"` });
  }
  return { height, width };
}

export function count(value: string, where: string): number {
  return integer(value, 1, where);
}

export function names(value: string, where: string): readonly string[] {
  const list = value.split(",").map((name) => decodeValue(name, where).trim());
  if (list.includes("")) {
    throw new OptionError({ where, expected: "class names or indices with commas between", received: `"${value}"` });
  }
  return list;
}

export function choice<Word extends string>(value: string, words: readonly Word[], where: string): Word {
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) throw new OptionError({ where, expected: words.join(" or "), received: `"${value}"` });
  return word;
}

function longTail(value: string, where: string): LongTail {
  const match = /^(exp|step):(\d*\.?\d+(?:e-?\d+)?)$/.exec(value);
  const ratio = Number(match?.[2]);
  if (match === null || !(ratio > 0 && ratio <= 1)) {
    throw new OptionError({
      where,
      expected: "exp:RATIO or step:RATIO with a ratio in (0, 1], for example exp:0.01",
      received: `"${value}"`,
    });
  }
  return { shape: match[1] as "exp" | "step", ratio };
}
