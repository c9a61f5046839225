import { createHash } from "node:crypto";
import { basename } from "node:path";
import { checkIndices } from "../../dataset.js";
import { count, integer, names } from "../../dataset-options.js";
import { decodeValue } from "../../dataset-spec.js";
import { MemoryBudget } from "../../memory-budget.js";
import { selectImages } from "../../selection.js";
import { keeping } from "../kept.js";
import { parseSpec, type Spec } from "../options.js";
import type { OutlierObject, OutlierObjects } from "../types.js";
import { cityscapesCategories, defaultMinSide, openCoco } from "./coco.js";
import { openCutouts } from "./cutouts.js";

/** What the reader of a kind of objects provides; `openOutlierObjects` puts selection and memory on top. */
export interface ObjectSource {
  readonly length: number;
  read(index: number): Promise<OutlierObject>;
  name(index: number): string;
  describe(index: number): string;
  /** SHA-256 of the content, of at least the objects selected. */
  hash(selection: Int32Array): Promise<string>;
}

const kinds = {
  cutouts: ["limit", "seed"],
  coco: ["limit", "seed", "split", "exclude", "min-side"],
} as const;

export type OutlierObjectsKind = keyof typeof kinds;

const sources: Readonly<Record<OutlierObjectsKind, (spec: Spec<string>) => Promise<ObjectSource>>> = {
  cutouts: ({ location }) => openCutouts(location),
  coco: (spec) =>
    openCoco(spec.location, {
      split: decodeValue(spec.options.get("split") ?? "train2017", where(spec, "split")),
      exclude: categories(spec),
      minSide: integer(spec.options.get("min-side") ?? String(defaultMinSide), 1, where(spec, "min-side")),
    }),
};

/** Objects of all sets: 9,000 of 96 x 96 pixels, or 270 of 500 x 500. Apart from scenes, which would leave them nothing. */
const objectMemory = new MemoryBudget(2 ** 28);

/**
 * Opens a set of objects as the user writes it:
 *
 * - `cutouts:DIR[?limit=N&seed=S]`: PNG and WebP files with an alpha channel;
 * - `coco:DIR[?split=train2017&exclude=person,car&min-side=480&limit=N&seed=S]`: the instances of COCO. `exclude` replaces
 *   the categories of {@link cityscapesCategories}; written as `exclude=+train`, it adds to them; `exclude=none` keeps every image.
 *
 * @throws OptionError for a spec that says nothing, FormatError for a file that is not what it should be, DataError for a
 *   cut-out without alpha channel, or no object at all
 */
export async function openOutlierObjects(
  text: string,
  options: { readonly name?: string } = {},
): Promise<OutlierObjects> {
  const spec = parseSpec(text, kinds, "objects");
  const source = await sources[spec.kind](spec);
  const limit = spec.options.get("limit");
  const seed = spec.options.get("seed");
  const selection = selectImages(
    source,
    {
      ...(limit === undefined ? {} : { limit: count(limit, where(spec, "limit")) }),
      ...(seed === undefined ? {} : { seed: integer(seed, 0, where(spec, "seed")) }),
    },
    `objects "${text}"`,
  );
  const place = (index: number): number =>
    selection[checkIndices([index], selection.length, text)[0] as number] as number;
  return {
    spec: text,
    name: options.name ?? basename(spec.location),
    length: selection.length,
    read: keeping(
      async (index) => source.read(place(index)),
      objectMemory.store(({ height, width }: OutlierObject) => 4 * height * width),
    ),
    objectName: (index) => source.name(place(index)),
    describe: (index) => source.describe(place(index)),
    async fingerprint() {
      const hash = createHash("sha256").update(await source.hash(selection));
      return hash.update(selection).digest("hex");
    },
  };
}

function categories(spec: Spec<string>): readonly string[] {
  const value = spec.options.get("exclude");
  if (value === undefined) return cityscapesCategories;
  if (value === "none") return [];
  const more = value.startsWith("+");
  const list = names(more ? value.slice(1) : value, where(spec, "exclude"));
  return more ? [...new Set([...cityscapesCategories, ...list])] : list;
}

function where({ text }: Spec<string>, option: string): string {
  return `objects "${text}", option ${option}`;
}
