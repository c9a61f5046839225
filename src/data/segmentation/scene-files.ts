import { basename, dirname, join } from "node:path";
import { DataError } from "../../errors.js";
import { imageEndings } from "../decode.js";
import { byCodePoint, entriesOf, goingDown } from "../folder-entries.js";
import type { LabelMap } from "./label-map.js";

/** The files of a scene. */
export interface SceneFile {
  /** Name within the set: the image's path below the set's folder, with slashes. */
  readonly name: string;
  readonly image: string;
  readonly labels: string;
  /** A difference to be added to the image, see `addOverlay`. */
  readonly overlay?: string;
}

/** What the reader of a layout finds: `openSegmentation` puts selection, label map and resizing on top. */
export interface SceneLayout {
  readonly files: readonly SceneFile[];
  readonly map: LabelMap;
}

/**
 * The files in a folder and below, as paths relative to it with slashes, in the order of their code points. Hidden files
 * and folders are passed over; links are followed, but not to a folder above.
 *
 * @throws DataError when a folder cannot be read
 */
export async function filesBelow(folder: string): Promise<string[]> {
  return (await walk(folder, "", new Set())).sort(byCodePoint);
}

/** @param above  see {@link goingDown} */
async function walk(folder: string, start: string, above: ReadonlySet<string>): Promise<string[]> {
  const inside = await goingDown(folder, above);
  if (inside === undefined) return [];
  const found: string[] = [];
  for (const { name, kind } of await entriesOf(folder)) {
    // A link that leads nowhere stays among the files: whoever needs it is told that it cannot be read.
    if (kind === "folder") found.push(...(await walk(join(folder, name), `${start}${name}/`, inside)));
    else found.push(`${start}${name}`);
  }
  return found;
}

/** A path without its ending. */
export function stem(path: string): string {
  return path.replace(/\.[^./]+$/, "");
}

export interface PairedFolders {
  readonly images: string;
  readonly labels: string;
  /** Path of the label file below `labels` for an image's path below `images`; undefined for files that are no images of the set. */
  readonly labelOf: (image: string) => string | undefined;
}

/**
 * Pairs every image below a folder with its label file below another. Label files without an image are passed over.
 *
 * @throws DataError naming an image without label file, or the folder when it holds no image
 */
export async function pairFolders({ images, labels, labelOf }: PairedFolders): Promise<SceneFile[]> {
  const wanted = (await filesBelow(images)).flatMap((name) => {
    const label = imageEndings.test(name) ? labelOf(name) : undefined;
    return label === undefined ? [] : [{ name, label }];
  });
  if (wanted.length === 0) throw new DataError({ where: images, expected: "images of the set", received: "none" });
  const found = new Set(await filesBelow(labels));
  return wanted.map(({ name, label }) => {
    if (!found.has(label)) throw withoutLabels(join(images, name), join(labels, label));
    return { name, image: join(images, name), labels: join(labels, label) };
  });
}

/**
 * Finds the image of every label file of a folder, for sets that hold images without labels too.
 *
 * @param imageOf  path of the image below `images`, without its ending, for a label file's path below `labels`; undefined
 *   for other files
 * @throws DataError naming a label file without image, or the folder when it holds no label file
 */
export async function pairLabels(
  labels: string,
  images: string,
  imageOf: (label: string) => string | undefined,
): Promise<SceneFile[]> {
  const wanted = (await filesBelow(labels)).flatMap((label) => {
    const image = imageOf(label);
    return image === undefined ? [] : [{ label, image }];
  });
  if (wanted.length === 0) throw new DataError({ where: labels, expected: "label files of the set", received: "none" });
  const found = new Map(
    (await filesBelow(images)).filter((name) => imageEndings.test(name)).map((name) => [stem(name), name]),
  );
  return wanted.map(({ label, image }) => {
    const name = found.get(image);
    if (name === undefined) {
      throw new DataError({
        where: join(labels, label),
        problem: `its image ${basename(image)} is not in ${join(images, dirname(image))}`,
        hint: "the set is incomplete: fetch its images too",
      });
    }
    return { name, image: join(images, name), labels: join(labels, label) };
  });
}

function withoutLabels(image: string, labels: string): DataError {
  return new DataError({
    where: image,
    problem: `its label file ${labels} does not exist`,
    hint: "remove the image, or add its labels",
  });
}
