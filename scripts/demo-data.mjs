#!/usr/bin/env node
// Makes the images that `offmap demo` uses from the unpacked data sets: every k-th image of each set, which spreads over its
// classes because the sets are in class order, as lossless WebP sheets with a JSON beside them.
// Usage:  OFFMAP_DATA=DIR node scripts/demo-data.mjs
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";

const source = process.env.OFFMAP_DATA;
if (!source) {
  console.error("set OFFMAP_DATA to the folder with the unpacked CIFAR binaries");
  process.exit(2);
}
const target = new URL("../assets/demo/", import.meta.url).pathname;

/** file in OFFMAP_DATA, name in the demo, number of images */
const sets = [
  ["cifar10-train", "cifar10-train", 2000],
  ["cifar10-test", "cifar10-test", 1000],
  ["tiny-imagenet-outliers", "outliers", 2500],
  ["tiny-imagenet-ood-test", "tiny-imagenet", 500],
  ["textures-ood-test", "textures", 400],
  ["chars74k-ood-test", "chars74k", 500],
  ["scenes-ood-test", "scenes", 400],
  ["cifar100-test", "cifar100", 500],
];
const size = 32;
const plane = size * size;
const record = 1 + 3 * plane;
const columns = 40;

await mkdir(target, { recursive: true });
for (const [file, name, count] of sets) {
  const bytes = await readFile(join(source, `${file}.bin`));
  const classes = (await readFile(join(source, `${file}.classes.txt`), "utf8")).trim().split("\n");
  const total = bytes.length / record;
  const chosen = Array.from({ length: count }, (_, index) => Math.floor((index * total) / count));
  const rows = Math.ceil(count / columns);
  const sheet = Buffer.alloc(columns * size * rows * size * 3);
  const labels = chosen.map((image, tile) => {
    const start = image * record + 1;
    const [top, left] = [Math.floor(tile / columns) * size, (tile % columns) * size];
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        for (let c = 0; c < 3; c++) {
          sheet[((top + y) * columns * size + left + x) * 3 + c] = bytes[start + c * plane + y * size + x];
        }
      }
    }
    return bytes[image * record];
  });
  const webp = await sharp(sheet, { raw: { width: columns * size, height: rows * size, channels: 3 } })
    .webp({ lossless: true, effort: 6 })
    .toBuffer();
  await writeFile(join(target, `${name}.webp`), webp);
  const split = file.endsWith("train") ? "train" : file.endsWith("outliers") ? "outliers" : "test";
  const description = { name, split, count, tile: size, columns, sheets: [`${name}.webp`], classes, labels };
  await writeFile(join(target, `${name}.json`), `${JSON.stringify(description)}\n`);
  console.log(`${name}: ${count} of ${total} images, ${(webp.length / 1e6).toFixed(2)} MB`);
}
