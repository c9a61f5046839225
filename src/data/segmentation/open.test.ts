import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder, write } from "../../../test/data/files.js";
import { bytes, noise, writeLabels, writePixels } from "../../../test/data/segmentation.js";
import { openSegmentation } from "./open.js";
import { outlierLabel, voidLabel } from "./types.js";

const folder = temporaryFolder();
let sets = 0;
const newSet = (): string => join(folder, `set${sets++}`);

/** An image of 4 x 3 pixels, or another size, and its labels. */
async function scene(image: string, labels: string, ids: readonly number[], width = 4): Promise<void> {
  await writePixels(image, noise(ids.length / width, width, ids[0]), width, 3);
  await writeLabels(labels, ids, width);
}
/**
 * numpy.savez_compressed of `rgb`, int16 [1, 4, 3], by NumPy 2.4: red 300, -300, 5, 0; green 1, 2, 3, -4; blue -7, 0, 0, 0.
 */
const difference =
  "UEsDBC0AAAAIAAAAIQDDsOyi//////////8HABQAcmdiLm5weQEAEACYAAAAAAAAAF8AAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNppK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkahjoKJjoKxpo6CrUK5AEuHUZGhp//r/xjYmBgYGVgZgCBP/8ZGABQSwECLQMtAAAACAAAACEAw7Dsol8AAACYAAAABwAAAAAAAAAAAAAAgAEAAAAAcmdiLm5weVBLBQYAAAAAAQABADUAAACYAAAAAAA=";
const twelve = Array.from({ length: 12 }, (_, id) => id);

async function camvid(): Promise<string> {
  const root = newSet();
  for (const [name, ids] of [
    ["b", twelve],
    ["a", twelve.map((id) => 11 - id)],
    ["c", twelve.map(() => 3)],
  ] as const) {
    await scene(join(root, "val", "images", `${name}.webp`), join(root, "val", "labels", `${name}.png`), ids);
  }
  return root;
}

describe("camvid", () => {
  test("images come with their labels, in the order of their names, as planes", async () => {
    const dataset = await openSegmentation(`camvid:${await camvid()}?split=val`);
    expect(dataset.length).toBe(3);
    expect(dataset.shape).toEqual([3, 3, 4]);
    expect(dataset.classNames).toHaveLength(11);
    expect(dataset.imageName(1)).toBe("b.webp");
    const { images, labels } = await dataset.read([1, 2, 1]);
    expect(images.shape).toEqual([3, 3, 4]);
    expect(images.count).toBe(3);
    expect([...labels.subarray(0, 12)]).toEqual([...twelve.slice(0, 11), voidLabel]);
    expect([...labels.subarray(12, 24)]).toEqual(new Array(12).fill(3));
    expect(labels.subarray(24)).toEqual(labels.subarray(0, 12));
    const pixels = noise(3, 4, 0);
    expect([...images.data.subarray(0, 12)]).toEqual([...pixels].filter((_, at) => at % 3 === 0));
    expect([...images.data.subarray(12, 24)]).toEqual([...pixels].filter((_, at) => at % 3 === 1));
  });

  test("the held-out protocol: nine classes, numbered alike in training and testing", async () => {
    const root = await camvid();
    const train = await openSegmentation(`camvid:${root}?split=val&void=pedestrian,bicyclist`);
    const test = await openSegmentation(`camvid:${root}?split=val&outlier=pedestrian,bicyclist`);
    expect(train.classNames).toEqual(test.classNames);
    expect(train.classNames).toHaveLength(9);
    const start = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    expect([...(await train.readOne(1)).labels]).toEqual([...start, voidLabel, voidLabel, voidLabel]);
    expect([...(await test.readOne(1)).labels]).toEqual([...start, outlierLabel, outlierLabel, voidLabel]);
    expect(await train.fingerprint()).not.toBe(await test.fingerprint());
  });

  test("a size or scale changes image and labels, and the shape that is told", async () => {
    const root = await camvid();
    const half = await openSegmentation(`camvid:${root}?split=val&scale=0.5`);
    expect(half.shape).toEqual([3, 1, 2]);
    expect((await half.read([0])).labels).toHaveLength(2);
    const large = await openSegmentation(`camvid:${root}?split=val&size=6x8`);
    expect(large.shape).toEqual([3, 6, 8]);
    expect([...(await large.readOne(1)).labels.subarray(0, 8)]).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    const prints = [half, large, await openSegmentation(`camvid:${root}?split=val`)].map((set) => set.fingerprint());
    expect(new Set(await Promise.all(prints)).size).toBe(3);
  });

  test("a size the caller asks for yields to the one in the spec", async () => {
    const root = await camvid();
    const size = { height: 5, width: 5 };
    expect((await openSegmentation(`camvid:${root}?split=val`, { size })).shape).toEqual([3, 5, 5]);
    expect((await openSegmentation(`camvid:${root}?split=val&scale=2`, { size })).shape).toEqual([3, 6, 8]);
  });

  test("limit keeps the first images, or with seed random ones", async () => {
    const root = await camvid();
    const names = async (options: string): Promise<string[]> => {
      const set = await openSegmentation(`camvid:${root}?split=val&${options}`);
      return Array.from({ length: set.length }, (_, index) => set.imageName(index));
    };
    expect(await names("limit=2")).toEqual(["a.webp", "b.webp"]);
    const some = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((seed) => names(`limit=2&seed=${seed}`)));
    expect(new Set(some.map(String)).size).toBeGreaterThan(1);
  });

  test("the fingerprint follows the contents, not where they lie", async () => {
    const root = await camvid();
    const before = await (await openSegmentation(`camvid:${root}?split=val`)).fingerprint();
    await rename(root, `${root}-moved`);
    const moved = await openSegmentation(`camvid:${root}-moved?split=val`);
    expect(await moved.fingerprint()).toBe(before);
    await writeLabels(join(`${root}-moved`, "val", "labels", "c.png"), new Array(12).fill(4), 4);
    expect(await moved.fingerprint()).not.toBe(before);
  });
});

describe("official layouts", () => {
  test("cityscapes: label ids of gtFine become train ids", async () => {
    const root = newSet();
    const image = join(root, "leftImg8bit", "val", "ulm", "ulm_000000_000019_leftImg8bit.png");
    const labels = join(root, "gtFine", "val", "ulm", "ulm_000000_000019_gtFine_labelIds.png");
    await scene(image, labels, [7, 8, 0, 33]);
    await writeLabels(labels.replace("labelIds", "instanceIds"), [1, 2, 3, 4], 4);
    const dataset = await openSegmentation(`cityscapes:${root}?split=val`);
    expect(dataset.imageName(0)).toBe("ulm/ulm_000000_000019_leftImg8bit.png");
    expect([...(await dataset.readOne(0)).labels]).toEqual([0, 1, voidLabel, 18]);
    expect(dataset.classNames).toHaveLength(19);
  });

  test("lost-and-found: free road is known, obstacles are anomalies, the rest is void", async () => {
    const root = newSet();
    await scene(
      join(root, "leftImg8bit", "test", "02_Hanns", "02_Hanns_000001_000020_leftImg8bit.png"),
      join(root, "gtCoarse", "test", "02_Hanns", "02_Hanns_000001_000020_gtCoarse_labelIds.png"),
      [0, 1, 2, 43],
    );
    const dataset = await openSegmentation(`lost-and-found:${root}?split=test`);
    expect([...(await dataset.readOne(0)).labels]).toEqual([voidLabel, 0, outlierLabel, outlierLabel]);
    expect(dataset.classNames).toBeUndefined();
  });

  test("fishyscapes, prepared", async () => {
    const root = newSet();
    await scene(join(root, "Static", "original", "0.png"), join(root, "Static", "labels", "0.png"), [0, 1, 255, 0]);
    await writeLabels(join(root, "Static", "labels_with_ROI", "0.png"), [0, 0, 0, 0], 4);
    const dataset = await openSegmentation(`fishyscapes:${root}?split=Static`);
    expect([...(await dataset.readOne(0)).labels]).toEqual([0, outlierLabel, voidLabel, 0]);
  });

  test("fishyscapes as released: masks over the images of Lost and Found", async () => {
    const [root, images] = [newSet(), newSet()];
    const name = "04_Maurener_Weg_8_000000_000030";
    await scene(
      join(images, "train", "04_Maurener_Weg_8", `${name}_leftImg8bit.png`),
      join(root, `0000_${name}_labels.png`),
      [0, 1, 255, 0],
    );
    const dataset = await openSegmentation(`fishyscapes:${root}?images=${images}`);
    expect(dataset.imageName(0)).toBe(`train/04_Maurener_Weg_8/${name}_leftImg8bit.png`);
    expect([...(await dataset.readOne(0)).labels]).toEqual([0, outlierLabel, voidLabel, 0]);
    await writeLabels(join(root, "0001_04_Maurener_Weg_8_000000_000040_labels.png"), [0, 1, 0, 1], 4);
    await expect(openSegmentation(`fishyscapes:${root}?images=${images}`)).rejects.toThrow(
      /0001_04_Maurener_Weg_8_000000_000040_labels.png: its image 04_Maurener_Weg_8_000000_000040_leftImg8bit is not in/,
    );
  });

  test("fishyscapes static as released: differences are added to images of Cityscapes and cut at 0 and 255", async () => {
    const [root, images] = [newSet(), newSet()];
    const name = "frankfurt_000001_046504";
    const image = join(images, "val", "frankfurt", `${name}_leftImg8bit.png`);
    await writePixels(image, Uint8Array.of(10, 20, 30, 250, 251, 252, 7, 8, 9, 1, 2, 3), 4, 3);
    await writeLabels(join(root, `0000_${name}_labels.png`), [1, 1, 255, 0], 4);
    await write(join(root, "0000_lion_rgb.npz"), bytes(difference));
    const spec = `fishyscapes:${root}?images=${images}`;
    const dataset = await openSegmentation(spec);
    const scene = await dataset.readOne(0);
    expect([...scene.labels]).toEqual([outlierLabel, outlierLabel, voidLabel, 0]);
    expect([...scene.image]).toEqual([255, 0, 12, 1, 21, 253, 11, 0, 23, 252, 9, 3]);

    const before = await dataset.fingerprint();
    await write(join(root, "0000_lion_rgb.npz"), "PK, but no archive");
    expect(await dataset.fingerprint()).not.toBe(before);
    await expect((await openSegmentation(spec)).readOne(0)).rejects.toThrow(
      /0000_lion_rgb.npz: expected an NPZ archive, got .*; the file is truncated or corrupt/,
    );
    await writeLabels(join(root, `0001_${name}_labels.png`), [1, 1, 255, 0], 4);
    await expect(openSegmentation(spec)).rejects.toThrow(
      `0001_${name}_labels.png: there is no 0001_*_rgb.npz beside it, which holds what is added to its image`,
    );
  });

  test("a difference of another size than its image", async () => {
    const [root, images] = [newSet(), newSet()];
    const name = "frankfurt_000001_046504";
    await scene(join(images, `${name}_leftImg8bit.png`), join(root, `0000_${name}_labels.png`), twelve);
    await write(join(root, "0000_lion_rgb.npz"), bytes(difference));
    await expect((await openSegmentation(`fishyscapes:${root}?images=${images}`)).readOne(0)).rejects.toThrow(
      '0000_lion_rgb.npz, array "rgb": expected 3 x 4 x 3 numbers, as its image has, got 1 x 4 x 3',
    );
  });

  test("smiyc: images without labels, whose labels are not public, do not count", async () => {
    const root = newSet();
    const labels = join(root, "labels_masks", "validation0001_labels_semantic.png");
    await scene(join(root, "images", "validation0001.webp"), labels, [0, 1, 255, 0]);
    await writePixels(join(root, "images", "test0001.webp"), noise(1, 4), 4, 3);
    await writeLabels(labels.replace("semantic", "semantic_color"), [9, 9, 9, 9], 4);
    const dataset = await openSegmentation(`smiyc:${root}`);
    expect(dataset.length).toBe(1);
    expect([...(await dataset.readOne(0)).labels]).toEqual([0, outlierLabel, voidLabel, 0]);
  });

  test("road-anomaly: 1 is road in the original layout, and an anomaly in the prepared one", async () => {
    const original = newSet();
    const frame = join(original, "frames", "sheep.webp");
    await scene(frame, join(original, "frames", "sheep.labels", "labels_semantic.png"), [0, 1, 2, 255]);
    await writePixels(join(original, "frames", "unlisted.webp"), noise(1, 4), 4, 3);
    await write(join(original, "frame_list.json"), '["sheep.webp"]');
    const first = await openSegmentation(`road-anomaly:${original}`);
    expect(first.length).toBe(1);
    expect([...(await first.readOne(0)).labels]).toEqual([0, 0, outlierLabel, voidLabel]);

    const prepared = newSet();
    await scene(join(prepared, "original", "a.png"), join(prepared, "labels", "a.png"), [0, 1, 255, 0]);
    const second = await openSegmentation(`road-anomaly:${prepared}`);
    expect([...(await second.readOne(0)).labels]).toEqual([0, outlierLabel, voidLabel, 0]);

    await write(join(original, "frame_list.json"), '["sheep.webp", "goat.webp"]');
    await expect(openSegmentation(`road-anomaly:${original}`)).rejects.toThrow("frame_list.json: goat.webp is not in");
    await write(join(original, "frame_list.json"), '{"sheep": 1}');
    await expect(openSegmentation(`road-anomaly:${original}`)).rejects.toThrow("expected a JSON list of image names");
  });
});

describe("pairs", () => {
  async function pairs(): Promise<{ root: string; spec: string }> {
    const root = newSet();
    await scene(join(root, "im", "x", "1.png"), join(root, "lb", "x", "1.png"), [7, 9, 0, 30]);
    const map = await write(
      join(root, "map.json"),
      JSON.stringify({ classes: ["road", "car"], ids: { 7: 0, 9: 1, 0: "void", 30: "outlier" } }),
    );
    return { root, spec: `pairs:${join(root, "im")},${join(root, "lb")}?map=${map}` };
  }

  test("ids are mapped as the file says", async () => {
    const { spec } = await pairs();
    const dataset = await openSegmentation(spec);
    expect(dataset.imageName(0)).toBe("x/1.png");
    expect(dataset.classNames).toEqual(["road", "car"]);
    expect([...(await dataset.readOne(0)).labels]).toEqual([0, 1, voidLabel, outlierLabel]);
  });

  test("grey images have three equal planes", async () => {
    const { root, spec } = await pairs();
    await writeLabels(join(root, "im", "x", "1.png"), [5, 6, 7, 8], 4);
    const { image } = await (await openSegmentation(spec)).readOne(0);
    expect([...image]).toEqual([5, 6, 7, 8, 5, 6, 7, 8, 5, 6, 7, 8]);
  });

  test("images of several sizes are read one by one, or at one size", async () => {
    const { root, spec } = await pairs();
    await scene(join(root, "im", "x", "2.png"), join(root, "lb", "x", "2.png"), [7, 7, 9, 9, 7, 7], 3);
    const dataset = await openSegmentation(spec);
    expect(dataset.shape).toBeUndefined();
    expect((await dataset.readOne(1)).height).toBe(2);
    expect((await dataset.read([1])).images.shape).toEqual([3, 2, 3]);
    await expect(dataset.read([0, 1])).rejects.toThrow(
      /expected images of one size, 4 x 1 as the first of the batch, got 3 x 2; .*size=HEIGHTxWIDTH/,
    );
    const one = await openSegmentation(`${spec}&size=2x2`);
    expect(one.shape).toEqual([3, 2, 2]);
    expect((await one.read([0, 1])).labels).toHaveLength(8);
  });

  test("an id outside the map names file, pixel and id", async () => {
    const { root, spec } = await pairs();
    await writeLabels(join(root, "lb", "x", "1.png"), [7, 9, 8, 30], 4);
    await expect((await openSegmentation(spec)).readOne(0)).rejects.toThrow(
      `${join(root, "lb", "x", "1.png")}, row 0, column 2: expected an id of the label map (0, 7, 9, 30), got 8`,
    );
  });

  test("labels of another size than the image are refused", async () => {
    const { root, spec } = await pairs();
    await writeLabels(join(root, "lb", "x", "1.png"), [7, 7, 7], 3);
    await expect((await openSegmentation(spec)).readOne(0)).rejects.toThrow(
      /lb\/x\/1\.png: expected labels of 4 x 1 pixels, as .*im\/x\/1\.png has, got 3 x 1/,
    );
  });

  test("an image without label file is named", async () => {
    const { root, spec } = await pairs();
    await writePixels(join(root, "im", "x", "2.png"), noise(1, 4), 4, 3);
    await expect(openSegmentation(spec)).rejects.toThrow(
      /im\/x\/2\.png: its label file .*lb\/x\/2\.png does not exist/,
    );
  });

  test("a label file that is cut off is named: at once where its header is, else when it is read", async () => {
    const { root, spec } = await pairs();
    const path = join(root, "lb", "x", "1.png");
    await writeFile(path, "");
    await expect(openSegmentation(spec)).rejects.toThrow(`${path}: expected a PNG of label ids, got an empty file`);
  });
});

describe("refused", () => {
  test.each([
    ["folder:somewhere", "expected KIND:PATH with KIND one of pairs, camvid, cityscapes"],
    ["somewhere", "got no such kind"],
    ["camvid:?split=val", "got no path"],
    ["camvid:x", "expected split=train or split=val or split=test, got neither"],
    ["camvid:x?split=all", 'option split: expected train or val or test, got "all"'],
    ["camvid:x?split=val&map=a.json", "expected options of camvid (size, scale, void, outlier, limit, seed, split)"],
    ["camvid:x?split=val&size=180", "expected HEIGHTxWIDTH, for example 180x240"],
    ["camvid:x?split=val&scale=0", "expected a factor in (0, 16], for example 0.5"],
    ["camvid:x?split=val&size=2x2&scale=2", "size and scale exclude each other"],
    ["camvid:missing?split=val", "no such file or folder"],
    ["pairs:a?map=b", "expected pairs:IMAGES,LABELS with two folders"],
    ["pairs:a,b", "expected map=FILE.json, which says what the ids mean"],
  ])("%s", async (spec, message) => {
    await expect(openSegmentation(spec)).rejects.toThrow(message);
  });

  test("a folder without images, and an index past the end", async () => {
    const root = await camvid();
    await write(join(root, "test", "images", "readme.txt"), "nothing");
    await write(join(root, "test", "labels", "readme.txt"), "nothing");
    await expect(openSegmentation(`camvid:${root}?split=test`)).rejects.toThrow("expected images of the set, got none");
    const dataset = await openSegmentation(`camvid:${root}?split=val`);
    await expect(dataset.readOne(3)).rejects.toThrow("expected image indices from 0 to 2, got 3");
    await expect(dataset.read([0, -1])).rejects.toThrow("got -1");
  });
});
