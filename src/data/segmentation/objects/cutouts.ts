import { join } from "node:path";
import sharp from "sharp";
import { DataError } from "../../../errors.js";
import { decodeImage } from "../../decode.js";
import { hashFiles, readWholeFile } from "../../files.js";
import { withChannels } from "../../planes.js";
import { filesBelow } from "../scene-files.js";
import type { OutlierObject } from "../types.js";
import { cropToMask } from "./crop.js";
import type { ObjectSource } from "./open.js";

/** Pixels from this opacity on belong to the object, of 255. */
const opaque = 128;
const mostFileBytes = 2 ** 28;

/**
 * Photographs of objects, PNG or WebP with an alpha channel, anywhere below a folder: pixels of at least half opacity are
 * the object.
 *
 * @throws DataError naming a file without alpha channel, or the folder when it holds no such file
 */
export async function openCutouts(folder: string): Promise<ObjectSource> {
  const names = (await filesBelow(folder)).filter((name) => /\.(?:png|webp)$/i.test(name));
  if (names.length === 0) {
    throw new DataError({ where: folder, expected: "PNG or WebP files with transparency", received: "none" });
  }
  const path = (index: number): string => join(folder, names[index] as string);
  for (let start = 0; start < names.length; start += concurrency) {
    await Promise.all(names.slice(start, start + concurrency).map((name) => checkAlpha(join(folder, name))));
  }
  return {
    length: names.length,
    read: (index) => readCutout(path(index)),
    name: (index) => names[index] as string,
    describe: path,
    hash: (selection) => hashFiles(Array.from(selection, path)),
  };
}

/** Headers that are looked at at once. */
const concurrency = 32;

async function checkAlpha(path: string): Promise<void> {
  const found = await sharp(await readWholeFile(path, mostFileBytes))
    .metadata()
    .catch((cause: unknown) => {
      throw new DataError({
        where: path,
        problem: `the image cannot be decoded (${(cause as Error).message.split("\n")[0]})`,
        hint: "it is truncated or corrupt: replace or remove the file",
        cause,
      });
    });
  if (!found.hasAlpha) {
    throw new DataError({
      where: path,
      expected: "an image with an alpha channel, which says where the object is",
      received: "one without",
      hint: "cut the object out, or remove the file",
    });
  }
}

async function readCutout(path: string): Promise<OutlierObject> {
  const bytes = await readWholeFile(path, mostFileBytes);
  const picture = await decodeImage(bytes, path);
  const [, height, width] = picture.shape;
  const coloured = withChannels(picture, 3)?.data as Uint8Array;
  const alpha = await sharp(bytes).autoOrient().extractChannel("alpha").raw({ depth: "uchar" }).toBuffer();
  const mask = new Uint8Array(alpha.length);
  for (let pixel = 0; pixel < mask.length; pixel++) mask[pixel] = (alpha[pixel] as number) >= opaque ? 1 : 0;
  const object = cropToMask({ image: coloured, mask, height, width });
  if (object.height > 0) return object;
  throw new DataError({
    where: path,
    expected: `pixels with an opacity of at least ${opaque} of 255`,
    received: "none",
    hint: "remove the file",
  });
}
