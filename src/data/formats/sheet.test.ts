import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { temporaryFolder, write, writeImage } from "../../../test/data/files.js";
import { openDataset } from "../open.js";

const folder = temporaryFolder();
/** 7 tiles of 2x2 pixels, 2 columns, 4 on a full sheet: every byte of tile i is i * 30 + its channel. */
const description = {
  name: "toys",
  split: "test",
  count: 7,
  tile: 2,
  columns: 2,
  sheets: ["one.webp", "two.webp"],
  classes: ["cat", "dog"],
  labels: [0, 1, 0, 1, 0, 1, 1],
};
for (const [sheet, name] of description.sheets.entries()) {
  const tiles = sheet === 0 ? 4 : 3;
  const pixels = Buffer.alloc(4 * 4 * 3);
  for (let tile = 0; tile < tiles; tile++) {
    for (let y = 0; y < 2; y++) {
      for (let x = 0; x < 2; x++) {
        const at = ((Math.floor(tile / 2) * 2 + y) * 4 + (tile % 2) * 2 + x) * 3;
        for (let channel = 0; channel < 3; channel++) pixels[at + channel] = (sheet * 4 + tile) * 30 + channel;
      }
    }
  }
  const image = sharp(pixels, { raw: { width: 4, height: 4, channels: 3 } }).webp({ lossless: true });
  await write(join(folder, name), await image.toBuffer());
}
let files = 0;
const json = (change: object): Promise<string> =>
  write(join(folder, `${files++}.json`), JSON.stringify({ ...description, ...change }));

test("tiles are cut in order, across sheets", async () => {
  const dataset = await openDataset(await json({}));
  expect([dataset.length, ...dataset.shape]).toEqual([7, 3, 2, 2]);
  const { data } = await dataset.read([6, 0, 3, 4]);
  expect([...data].filter((_, at) => at % 4 === 0)).toEqual([180, 181, 182, 0, 1, 2, 90, 91, 92, 120, 121, 122]);
  expect([...data].filter((_, at) => at % 4 === 3)).toEqual([180, 181, 182, 0, 1, 2, 90, 91, 92, 120, 121, 122]);
  expect(dataset.classNames).toEqual(["cat", "dog"]);
  expect([...(dataset.labels ?? [])]).toEqual(description.labels);
});

test.each([
  ["fewer labels than images", { labels: [0] }, "expected 7 labels"],
  [
    "a label without class",
    { labels: [0, 1, 0, 1, 0, 1, 2] },
    "label 6: expected below 2, the number of classes, got 2",
  ],
  ["a sheet elsewhere", { sheets: ["../one.webp"] }, 'expected sheets beside the JSON file, got "../one.webp"'],
  ["a missing sheet", { sheets: ["none.webp", "two.webp"] }, "none.webp: no such file"],
  ["too few sheets", { sheets: ["one.webp"] }, "expected 2 sheets of 4 tiles for 7 images, got 1"],
  ["a billion images", { count: 1e9 }, "count: expected"],
  ["tiles of size 0", { tile: 0 }, "tile: expected"],
])("refused: %s", async (_, change, message) => {
  await expect(openDataset(await json(change))).rejects.toThrow(message);
});

test("labels may be anything where nothing looks at them", async () => {
  const path = await json({ labels: [7] });
  const dataset = await openDataset(path, { ignoreLabels: true });
  expect([dataset.length, dataset.labels]).toEqual([7, undefined]);
});

test("a sheet that is too small is refused when its images are read", async () => {
  await writeImage(join(folder, "small.png"), [1, 2, 3], 2, 2);
  const dataset = await openDataset(await json({ sheets: ["one.webp", "small.png"] }));
  await dataset.read([3]);
  await expect(dataset.read([4])).rejects.toThrow(
    "small.png: expected a colour image of at least 4 x 4 pixels for 3 tiles",
  );
});

test("text that is no JSON is refused", async () => {
  const path = await write(join(folder, "broken.json"), '{"name": ');
  await expect(openDataset(path)).rejects.toThrow(`${path}: expected a JSON file`);
});
