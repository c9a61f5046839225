import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { DataError } from "../../errors.js";
import { type DatasetOptions, ignoresLabels } from "../dataset-options.js";
import { decodeImageFile, imageEndings } from "../decode.js";
import { hashFile } from "../files.js";
import { byCodePoint, entriesOf, goingDown } from "../folder-entries.js";
import type { ImageSource } from "../types.js";

/**
 * A folder of images: either one sub-folder for each class, classes numbered by the order of their names (code points,
 * as Python sorts them), images of a class taken from its sub-folder and everything below; or images that lie directly
 * in the folder, without labels. Hidden files and files that are no images are passed over. Images come in the order of
 * their names, those of a folder before those of its sub-folders. Where nothing looks at labels, all images below are
 * taken, wherever they lie.
 *
 * @throws DataError when there are no images, a class has none, or images lie beside classes
 */
export async function openFolder(path: string, options: DatasetOptions): Promise<ImageSource> {
  const { images, folders } = await listFolder(path);
  if (folders.length === 0 || ignoresLabels(options)) {
    const everything = await imagesBelow(path, new Set());
    if (everything.length > 0) return fileSource(everything, path);
    throw new DataError({
      where: path,
      expected: "images, or a folder of images for each class",
      received: "a folder without",
      hint: "images end in .jpg, .png, .webp, .gif, .tiff or .avif",
    });
  }
  const files: string[] = [];
  const labels: number[] = [];
  const empty: string[] = [];
  for (const [label, name] of folders.entries()) {
    const members = await imagesBelow(join(path, name), new Set([await realpath(path)]));
    if (members.length === 0) empty.push(name);
    for (const member of members) {
      files.push(member);
      labels.push(label);
    }
  }
  if (images.length > 0) {
    // Folders without any image beside images are no classes.
    if (files.length === 0)
      return fileSource(
        images.map((name) => join(path, name)),
        path,
      );
    throw new DataError({
      where: path,
      expected: "either images or class folders",
      received: `both (${images[0]} beside ${folders[0]}${sep})`,
      hint: "move the images into a class folder, or give the folder that holds images only",
    });
  }
  if (empty.length > 0) {
    throw new DataError({
      where: join(path, empty[0] as string),
      expected: "images of a class",
      received: "none",
      hint: "remove the empty folder; every sub-folder counts as a class",
    });
  }
  return fileSource(files, path, Int32Array.from(labels), folders);
}

/** Images that are files, decoded when they are read. */
export function fileSource(
  files: readonly string[],
  root: string,
  labels?: Int32Array,
  classNames?: readonly string[],
  labelSets?: Readonly<Record<string, Int32Array>>,
): ImageSource {
  const file = (index: number): string => files[index] as string;
  return {
    length: files.length,
    ...(labels === undefined ? {} : { labels }),
    ...(labelSets === undefined ? {} : { labelSets }),
    ...(classNames === undefined ? {} : { classNames }),
    decodes: true,
    pictures: (indices) => Promise.all(Array.from(indices, (index) => decodeImageFile(file(index)))),
    // Without a folder that they lie in, files are called what the user called them.
    describe: (index) =>
      root === "" || relative(root, file(index)).startsWith("..")
        ? file(index)
        : join(root, relative(root, file(index))),
    async hash(selection) {
      const hash = createHash("sha256");
      for (const index of selection) {
        await hashFile(hash, file(index));
        hash.update(`\n${(await stat(file(index))).size}\n`);
      }
      return hash.digest("hex");
    },
  };
}

/** Names of a folder's images and sub-folders, sorted; links are followed. */
async function listFolder(path: string): Promise<{ images: string[]; folders: string[] }> {
  const images: string[] = [];
  const folders: string[] = [];
  for (const { name, kind } of await entriesOf(path)) {
    if (name.includes("\ufffd")) {
      throw new DataError({
        where: path,
        expected: "file names in UTF-8",
        received: JSON.stringify(name),
        hint: "rename the file",
      });
    }
    if (kind === "lost" && imageEndings.test(name)) {
      throw new DataError({
        where: join(path, name),
        problem: "the link leads to a file that is not there",
        hint: "fetch the file, or remove the link",
      });
    }
    if (kind === "folder") folders.push(name);
    else if (kind === "file" && imageEndings.test(name)) images.push(name);
  }
  return { images: images.sort(byCodePoint), folders: folders.sort(byCodePoint) };
}

/** @param above  see {@link goingDown} */
async function imagesBelow(path: string, above: ReadonlySet<string>): Promise<string[]> {
  const inside = await goingDown(path, above);
  if (inside === undefined) return [];
  const { images, folders } = await listFolder(path);
  const found = images.map((name) => join(path, name));
  for (const name of folders) for (const file of await imagesBelow(join(path, name), inside)) found.push(file);
  return found;
}
