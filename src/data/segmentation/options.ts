import { OptionError } from "../../errors.js";
import { count, integer, names, parseSize } from "../dataset-options.js";
import { decodeValue, parseDatasetSpec } from "../dataset-spec.js";
import type { Size } from "./types.js";

/** A segmentation dataset, or a set of objects, as the user writes it, taken apart. */
export interface Spec<Kind extends string> {
  readonly text: string;
  readonly kind: Kind;
  readonly location: string;
  /** Options as written, all of them known. */
  readonly options: ReadonlyMap<string, string>;
}

/**
 * Takes `KIND:PATH[?OPTION=VALUE[&OPTION=VALUE...]]` apart, in the syntax of datasets.
 *
 * @param kinds  options of each kind
 * @throws OptionError for an unknown kind or option, with a list of the known ones
 */
export function parseSpec<Kind extends string>(
  text: string,
  kinds: Readonly<Record<Kind, readonly string[]>>,
  what: string,
): Spec<Kind> {
  const { location, options } = parseDatasetSpec(text);
  const known = Object.keys(kinds) as Kind[];
  const kind = known.find((candidate) => text.startsWith(`${candidate}:`));
  const path = kind === undefined ? "" : location.slice(kind.length + 1);
  if (kind === undefined || path.trim() === "") {
    throw new OptionError({
      where: `${what} "${text}"`,
      expected: `KIND:PATH with KIND one of ${known.join(", ")}`,
      received: kind === undefined ? "no such kind" : "no path",
    });
  }
  const strange = [...options.keys()].find((name) => !kinds[kind].includes(name));
  if (strange !== undefined) {
    throw new OptionError({
      where: `${what} "${text}"`,
      expected: `options of ${kind} (${kinds[kind].join(", ")})`,
      received: `"${strange}"`,
    });
  }
  return { text, kind, location: path, options };
}

/** Options that every segmentation dataset has, checked. */
export interface SceneOptions {
  /** Size that images and labels are brought to: `size=180x240`. */
  readonly size?: Size;
  /** Factor that images and labels are scaled by, in (0, 16]: `scale=0.5`; sides are rounded down. */
  readonly scale?: number;
  /** Classes that count as void, by name or train id. */
  readonly void?: readonly string[];
  /** Classes that count as anomalies, by name or train id. */
  readonly outlier?: readonly string[];
  /** Keep that many images: the first, or with `seed` a random sample in the set's order. */
  readonly limit?: number;
  readonly seed?: number;
}

export const sceneOptionNames = ["size", "scale", "void", "outlier", "limit", "seed"] as const;

/** @throws OptionError for a value out of range, and for size and scale together */
export function sceneOptions({ text, options }: Spec<string>): SceneOptions {
  const read = <Value>(name: string, parse: (value: string, where: string) => Value): Value | undefined => {
    const value = options.get(name);
    return value === undefined ? undefined : parse(value, `dataset "${text}", option ${name}`);
  };
  const found = {
    size: read("size", parseSize),
    scale: read("scale", parseScale),
    void: read("void", names),
    outlier: read("outlier", names),
    limit: read("limit", count),
    seed: read("seed", (value, where) => integer(value, 0, where)),
  };
  if (found.size !== undefined && found.scale !== undefined) {
    throw new OptionError({ where: `dataset "${text}"`, problem: "size and scale exclude each other" });
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/**
 * The value of an option that a kind cannot do without.
 *
 * @param meaning  what stands there, as `split=train, split=val or split=test`
 * @throws OptionError when it is absent
 */
export function requiredOption({ text, options }: Spec<string>, name: string, meaning: string): string {
  const value = options.get(name);
  if (value === undefined)
    throw new OptionError({ where: `dataset "${text}"`, expected: meaning, received: "neither" });
  return decodeValue(value, `dataset "${text}", option ${name}`);
}

/** Largest factor by which images and objects are scaled: beyond, they take gigabytes. */
export const mostScale = 16;

function parseScale(value: string, where: string): number {
  const scale = /^\d*\.?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(scale > 0 && scale <= mostScale)) {
    throw new OptionError({
      where,
      expected: `a factor in (0, ${mostScale}], for example 0.5`,
      received: `"${value}"`,
    });
  }
  return scale;
}

/** Sides of a scaled image: rounded down as PEBAL's code does, at least 1. */
export function scaledSize({ height, width }: Size, scale: number): Size {
  return { height: Math.max(1, Math.floor(height * scale)), width: Math.max(1, Math.floor(width * scale)) };
}
