import { OptionError } from "../errors.js";

/** The kinds of dataset, by the word before the colon. */
export const datasetKinds = ["cifar", "folder", "list", "idx", "npy", "sheet"] as const;
export type DatasetKind = (typeof datasetKinds)[number];

/** A dataset as the user writes it, taken apart. */
export interface DatasetSpec {
  readonly text: string;
  /** Absent for a bare path, whose kind is recognised from what lies there. */
  readonly kind?: DatasetKind;
  /** What stands between the kind and the options: paths, separated by commas where the kind takes several. */
  readonly location: string;
  /** Options as written; {@link decodeValue} resolves the percent signs of a value. */
  readonly options: ReadonlyMap<string, string>;
}

/** Everything after the last question mark counts as options only if it looks like options, so paths may hold one. */
const optionTail = /\?([a-z-]+=[^&?]*(?:&[a-z-]+=[^&?]*)*)$/;

/**
 * Takes `KIND:PATH[,PATH...][?OPTION=VALUE[&OPTION=VALUE...]]` apart, or `PATH[?...]`. Inside a value, `%26`, `%2C`,
 * `%3F` and `%25` stand for `&`, `,` (within a list), `?` and `%`. Paths are taken as they are.
 *
 * @throws OptionError for an empty location, an option given twice, or a broken percent sign
 */
export function parseDatasetSpec(text: string): DatasetSpec {
  const tail = optionTail.exec(text);
  const beforeOptions = tail === null ? text : text.slice(0, tail.index);
  const kind = datasetKinds.find((candidate) => beforeOptions.startsWith(`${candidate}:`));
  const location = kind === undefined ? beforeOptions : beforeOptions.slice(kind.length + 1);
  if (location.trim() === "") {
    throw new OptionError({
      where: `dataset "${text}"`,
      expected: `KIND:PATH with KIND one of ${datasetKinds.join(", ")}, or a path`,
      received: "no path",
    });
  }
  const options = new Map<string, string>();
  for (const pair of tail?.[1]?.split("&") ?? []) {
    const equals = pair.indexOf("=");
    const name = pair.slice(0, equals);
    if (options.has(name)) {
      throw new OptionError({ where: `dataset "${text}"`, problem: `option "${name}" is given twice` });
    }
    options.set(name, pair.slice(equals + 1));
  }
  return { text, location, options, ...(kind === undefined ? {} : { kind }) };
}

/** The other way round; values must be written as in a spec, with percent signs where they are needed. */
export function formatDatasetSpec({ kind, location, options }: Omit<DatasetSpec, "text">): string {
  const pairs = [...options].map(([name, value]) => `${name}=${value}`);
  return `${kind === undefined ? "" : `${kind}:`}${location}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`;
}

/** A value of an option with its percent signs resolved. */
export function decodeValue(text: string, where: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new OptionError({
      where,
      problem: `"${text}" holds a percent sign that starts no character`,
      hint: "write %25 for a percent sign",
      cause,
    });
  }
}
