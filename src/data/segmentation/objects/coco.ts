import { createHash } from "node:crypto";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DataError, FormatError, OptionError } from "../../../errors.js";
import { decodeImageFile } from "../../decode.js";
import { fileError, hashFiles, readWholeFile } from "../../files.js";
import { withChannels } from "../../planes.js";
import type { OutlierObject } from "../types.js";
import { addSegmentation } from "./coco-masks.js";
import { cropToMask } from "./crop.js";
import { visitJsonArrays } from "./json-arrays.js";
import type { ObjectSource } from "./open.js";

/**
 * Categories whose images Meta-OoD, PEBAL and Balanced Energy leave out, because Cityscapes has these classes. They forgot
 * `train`, which is a class of Cityscapes too.
 */
export const cityscapesCategories: readonly string[] = [
  "person",
  "bicycle",
  "car",
  "motorcycle",
  "bus",
  "truck",
  "traffic light",
  "stop sign",
];
/** Images with a shorter side are left out, in pixels. */
export const defaultMinSide = 480;

export interface CocoOptions {
  /** Name of the part: images in `DIR/SPLIT/`, annotations in `DIR/annotations/instances_SPLIT.json`. */
  readonly split: string;
  /** Images with an instance of one of these categories are left out. */
  readonly exclude: readonly string[];
  /** Images with a shorter side are left out, in pixels. */
  readonly minSide: number;
}

const imageEntry = z.object({
  id: z.int(),
  file_name: z.string().min(1),
  height: z.int().min(1),
  width: z.int().min(1),
});
const categoryEntry = z.object({ id: z.int(), name: z.string() });
const annotationEntry = z.object({ image_id: z.int(), category_id: z.int() });
const segmentationEntry = z.object({
  segmentation: z.union([
    z.array(z.array(z.number())),
    z.object({ size: z.array(z.int()), counts: z.union([z.array(z.int()), z.string()]) }),
  ]),
});

type CocoImage = z.infer<typeof imageEntry>;
/** Where an annotation lies in the file. */
type Place = readonly [start: number, end: number];

/** Largest annotation file: that of train2017 has 470 MB. */
const mostFileBytes = 2 ** 31 - 1;

/**
 * Images of COCO as objects: the union of all instances of an image, crowds included, is the object. Only images that
 * are there count, so a part of the set may be downloaded; images without annotation are left out. Selection as in
 * Meta-OoD's `prepare_coco_segmentation.py`; in the order of the image ids.
 * Lin et al., "Microsoft COCO", ECCV 2014.
 *
 * The annotation file is read through once; afterwards, an image's annotations are read from their places in it.
 *
 * @throws FormatError for a file without images, annotations or categories, OptionError for a category that it does not
 *   have, DataError when no image is left
 */
export async function openCoco(root: string, { split, exclude, minSide }: CocoOptions): Promise<ObjectSource> {
  const file = join(root, "annotations", `instances_${split}.json`);
  const folder = join(root, split);
  const present = new Set(
    await readdir(folder).catch((cause: unknown) => {
      throw fileError(folder, cause);
    }),
  );
  const { images, annotations } = await readIndex(file, exclude);
  const kept = images
    .filter(({ id, height, width, file_name: name }) => {
      return Math.min(height, width) >= minSide && annotations.has(id) && present.has(name);
    })
    .sort((one, other) => one.id - other.id);
  if (kept.length === 0) {
    throw new DataError({
      where: folder,
      expected: `images of at least ${minSide} x ${minSide} pixels with annotations and without ${exclude.join(", ") || "nothing"}`,
      received: "none",
    });
  }
  const image = (index: number): CocoImage => kept[index] as CocoImage;
  const path = (index: number): string => join(folder, image(index).file_name);
  return {
    length: kept.length,
    read: (index) => readObject(file, image(index), annotations.get(image(index).id) ?? [], path(index)),
    name: (index) => image(index).file_name,
    describe: path,
    // The pictures of train2017 have 19 GB; their names and sizes stand for them.
    async hash(selection) {
      const hash = createHash("sha256").update(await hashFiles([file]));
      for (const index of selection) hash.update(`${image(index).file_name} ${(await stat(path(index))).size}\n`);
      return hash.digest("hex");
    },
  };
}

async function readIndex(
  file: string,
  exclude: readonly string[],
): Promise<{ images: CocoImage[]; annotations: Map<number, Place[]> }> {
  const content = await readWholeFile(file, mostFileBytes);
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const images: CocoImage[] = [];
  const annotations = new Map<number, Place[]>();
  const categories = new Map<string, number>();
  const categoriesOf = new Map<number, Set<number>>();
  const parse = <Entry>(type: z.ZodType<Entry>, key: string, start: number, end: number): Entry =>
    parseEntry(type, bytes.toString("utf8", start, end), `${file} ${key} at byte ${start}`);
  visitJsonArrays(bytes, file, (key, start, end) => {
    if (key === "images") images.push(parse(imageEntry, key, start, end));
    else if (key === "categories") {
      const { id, name } = parse(categoryEntry, key, start, end);
      categories.set(name, id);
    } else if (key === "annotations") {
      const { image_id: id, category_id: category } = parse(annotationEntry, key, start, end);
      append(annotations, id, [start, end]);
      categoriesOf.set(id, (categoriesOf.get(id) ?? new Set()).add(category));
    }
  });
  for (const [key, size] of Object.entries({
    images: images.length,
    categories: categories.size,
    annotations: annotations.size,
  })) {
    if (size > 0) continue;
    throw new FormatError({
      where: file,
      expected: `a list of ${key}`,
      received: "none",
      hint: "use the instances_*.json of COCO; captions and key points have no masks",
    });
  }
  const excluded = exclude.map((name) => {
    const id = categories.get(name);
    if (id !== undefined) return id;
    throw new OptionError({
      where: `${file}, option exclude`,
      expected: `one of its categories (${[...categories.keys()].join(", ")})`,
      received: `"${name}"`,
    });
  });
  for (const [id, found] of categoriesOf) if (excluded.some((category) => found.has(category))) annotations.delete(id);
  return { images, annotations };
}

function append(lists: Map<number, Place[]>, key: number, place: Place): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [place]);
  else list.push(place);
}

function parseEntry<Entry>(type: z.ZodType<Entry>, text: string, where: string): Entry {
  try {
    return type.parse(JSON.parse(text));
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof z.ZodError)) throw cause;
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    throw new FormatError({
      where,
      problem: issue === undefined ? cause.message : `${issue.path.join(".")}: ${issue.message}`,
      cause,
    });
  }
}

async function readObject(
  file: string,
  { id, height, width }: CocoImage,
  places: readonly Place[],
  path: string,
): Promise<OutlierObject> {
  const picture = await decodeImageFile(path);
  if (picture.shape[1] !== height || picture.shape[2] !== width) {
    throw new DataError({
      where: path,
      expected: `${width} x ${height} pixels, as ${file} says`,
      received: `${picture.shape[2]} x ${picture.shape[1]}`,
    });
  }
  const mask = new Uint8Array(height * width);
  for (const text of await readPlaces(file, places)) {
    const where = `${file}, annotation of image ${id}`;
    addSegmentation(mask, parseEntry(segmentationEntry, text, where).segmentation, { height, width }, where);
  }
  return cropToMask({ image: withChannels(picture, 3)?.data as Uint8Array, mask, height, width });
}

async function readPlaces(file: string, places: readonly Place[]): Promise<string[]> {
  const texts: string[] = [];
  try {
    const handle = await open(file);
    try {
      for (const [start, end] of places) {
        const bytes = Buffer.alloc(end - start);
        await handle.read(bytes, 0, bytes.length, start);
        texts.push(bytes.toString("utf8"));
      }
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw fileError(file, cause);
  }
  return texts;
}
