import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder, write } from "../../../test/data/files.js";
import { memoryObjects, memoryScenes } from "../../../test/data/segmentation.js";
import { placeOutlier } from "./paste.js";
import { pastedDataset, planPastes, readPastePlan, writePastePlan } from "./pasted-set.js";
import { outlierLabel } from "./types.js";

const folder = temporaryFolder();
const scenes = memoryScenes(6, 12, 16);
const objects = memoryObjects(3);
const options = { scale: [0.5, 1.5], feather: 1 } as const;

test("a plan survives its file, and gives the same images, which are those of its entries", async () => {
  const plan = await planPastes(scenes, objects, 7, options);
  const path = join(folder, "plan.json");
  await writePastePlan(path, plan);
  const read = await readPastePlan(path);
  expect(read).toEqual(plan);
  const pasted = await pastedDataset(scenes, objects, read);
  expect(pasted.length).toBe(6);
  expect(pasted.shape).toEqual([3, 12, 16]);
  const { images, labels } = await pasted.read([4, 0]);
  const entry = plan.scenes[4] as (typeof plan.scenes)[number];
  const object = await objects.read(Number(/\d+/.exec(entry.object)));
  const expected = placeOutlier(await scenes.readOne(4), object, entry, 1);
  expect(images.data.subarray(0, 576)).toEqual(expected.image);
  expect(labels.subarray(0, 192)).toEqual(expected.labels);
  expect(labels.includes(outlierLabel)).toBe(true);
});

test("one scene a line, so that a change of the list can be read", async () => {
  const path = join(folder, "lines.json");
  await writePastePlan(path, await planPastes(scenes, objects, 7));
  const lines = (await readFile(path, "utf8")).split("\n");
  expect(lines.filter((line) => line.includes('"image":'))).toHaveLength(6);
});

test("a seed gives one plan, another seed another; a part of the set gets the same as the whole", async () => {
  const plan = await planPastes(scenes, objects, 7, options);
  expect(await planPastes(scenes, objects, 7, options)).toEqual(plan);
  expect((await planPastes(scenes, objects, 8, options)).scenes).not.toEqual(plan.scenes);
  expect((await planPastes(memoryScenes(2, 12, 16), objects, 7, options)).scenes).toEqual(plan.scenes.slice(0, 2));
});

test("the fingerprint follows the plan", async () => {
  const prints = [];
  for (const seed of [7, 7, 8]) {
    prints.push(await (await pastedDataset(scenes, objects, await planPastes(scenes, objects, seed))).fingerprint());
  }
  expect(prints[1]).toBe(prints[0]);
  expect(prints[2]).not.toBe(prints[0]);
});

test("other objects, missing images and images of another size are refused", async () => {
  const plan = await planPastes(scenes, objects, 7);
  await expect(pastedDataset(scenes, memoryObjects(2), plan)).rejects.toThrow("these are not the objects");
  await expect(pastedDataset(memoryScenes(5, 12, 16), objects, plan)).rejects.toThrow(
    'needs "scene5", which is not there',
  );
  const other = await pastedDataset(memoryScenes(6, 12, 20), objects, plan);
  await expect(other.readOne(0)).rejects.toThrow(
    "expected 16 x 12 pixels, as in the plan of pasted scenes, got 20 x 12",
  );
});

test.each([
  ["{", "expected a plan of pasted scenes"],
  ['{"format": "something"}', "format: "],
  [JSON.stringify({ format: "offmap pasted scenes 1", seed: 1, objects: "", feather: 0, scenes: [] }), "scenes: "],
])("%s is no plan", async (content, message) => {
  await expect(readPastePlan(await write(join(folder, "bad.json"), content))).rejects.toThrow(message);
});
