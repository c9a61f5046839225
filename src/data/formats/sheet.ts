import { dirname, join } from "node:path";
import { z } from "zod";
import { FormatError } from "../../errors.js";
import { type DatasetOptions, ignoresLabels } from "../dataset-options.js";
import { decodeImageFile } from "../decode.js";
import { hashFiles, imageInFile, readText } from "../files.js";
import { readLabelArray } from "../labels.js";
import type { ImageShape, ImageSource, Picture } from "../types.js";

/** Tiles are square; larger ones are ordinary images, for which folders serve better. */
const largestTile = 512;

const sheetFile = z.object({
  name: z.string(),
  split: z.string(),
  count: z.number().int().min(1).max(10_000_000),
  tile: z.number().int().min(1).max(largestTile),
  columns: z.number().int().min(1).max(10_000),
  sheets: z.array(z.string().min(1)).min(1).max(100_000),
  classes: z.array(z.string()),
  labels: z.array(z.number()),
});

/**
 * Small images of one size, packed as tiles into lossless WebP sheets: left to right, `columns` a row, top to bottom, one
 * sheet after the other. The JSON file lists the sheets beside it, and the class of each image. A sheet is decoded when
 * one of its images is first read, and stays in memory.
 */
export async function openSheet(path: string, options: DatasetOptions): Promise<ImageSource> {
  const { name, split, count, tile, columns, sheets, classes, labels: values } = await readSheetFile(path);
  const folder = dirname(path);
  const files = sheets.map((sheet) => {
    if (/[\\/]/.test(sheet)) {
      throw new FormatError({ where: path, expected: "sheets beside the JSON file", received: `"${sheet}"` });
    }
    return join(folder, sheet);
  });
  const labels = ignoresLabels(options) ? undefined : readLabelArray(values, path, count, `${name} ${split}`);
  const beyond = labels?.findIndex((label) => label >= classes.length) ?? -1;
  if (labels !== undefined && beyond >= 0) {
    throw new FormatError({
      where: `${path} label ${beyond}`,
      expected: `below ${classes.length}, the number of classes`,
      received: String(labels[beyond]),
    });
  }
  const shape: ImageShape = [3, tile, tile];
  const first = await decodeImageFile(files[0] as string);
  // Every sheet but the last is full, and as large as the first.
  const tilesPerSheet = Math.max(1, Math.floor(first.shape[1] / tile)) * columns;
  if (files.length !== Math.ceil(count / tilesPerSheet)) {
    throw new FormatError({
      where: path,
      expected: `${Math.ceil(count / tilesPerSheet)} sheets of ${tilesPerSheet} tiles for ${count} images`,
      received: String(files.length),
    });
  }
  const decoded = new Map<number, Promise<Uint8Array>>();
  const sheetTiles = (sheet: number): Promise<Uint8Array> => {
    let tiles = decoded.get(sheet);
    if (tiles === undefined) {
      const wanted = Math.min(tilesPerSheet, count - sheet * tilesPerSheet);
      const file = files[sheet] as string;
      tiles = decodeImageFile(file).then((picture) => cutTiles(picture, tile, columns, wanted, file));
      decoded.set(sheet, tiles);
    }
    return tiles;
  };
  const size = 3 * tile * tile;
  return {
    length: count,
    shape,
    ...(labels === undefined ? {} : { labels }),
    classNames: classes,
    decodes: false,
    pictures: (indices) =>
      Promise.all(
        Array.from(indices, async (index) => {
          const tiles = await sheetTiles(Math.floor(index / tilesPerSheet));
          const start = (index % tilesPerSheet) * size;
          return { data: tiles.subarray(start, start + size), shape };
        }),
      ),
    describe: (index) => imageInFile(path, index),
    hash: () => hashFiles([path, ...files]),
  };
}

async function readSheetFile(path: string): Promise<z.infer<typeof sheetFile>> {
  let json: unknown;
  try {
    json = JSON.parse(await readText(path));
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new FormatError({ where: path, expected: "a JSON file", received: cause.message, cause });
  }
  const parsed = sheetFile.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FormatError({
    where: `${path}, ${issue?.path.join(".") || "top level"}`,
    expected: "the description of image sheets",
    received: issue?.message ?? "something else",
  });
}

/** The tiles of a sheet one after the other, planes of bytes. */
function cutTiles(picture: Picture, tile: number, columns: number, count: number, where: string): Uint8Array {
  const [channels, height, width] = picture.shape;
  const rows = Math.ceil(count / columns);
  const usedColumns = Math.min(columns, count);
  if (channels !== 3 || height < rows * tile || width < usedColumns * tile) {
    throw new FormatError({
      where,
      expected: `a colour image of at least ${usedColumns * tile} x ${rows * tile} pixels for ${count} tiles`,
      received: `${width} x ${height} pixels with ${channels} channel${channels === 1 ? "" : "s"}`,
    });
  }
  const tiles = new Uint8Array(count * 3 * tile * tile);
  let to = 0;
  for (let number = 0; number < count; number++) {
    const top = Math.floor(number / columns) * tile;
    const left = (number % columns) * tile;
    for (let channel = 0; channel < 3; channel++) {
      for (let row = 0; row < tile; row++, to += tile) {
        const from = (channel * height + top + row) * width + left;
        tiles.set(picture.data.subarray(from, from + tile), to);
      }
    }
  }
  return tiles;
}
