import { mkdir, readFile, rename, stat, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder, write, writeImage } from "../../../test/data/files.js";
import { openDataset } from "../open.js";

const folder = temporaryFolder();
const red = [255, 0, 0] as const;
const blue = [0, 0, 255] as const;

describe("classes", () => {
  test("are numbered by name, and found below their sub-folder", async () => {
    const root = join(folder, "classes");
    await writeImage(join(root, "zebra", "a.png"), red);
    await writeImage(join(root, "zebra", "deep", "er", "b.png"), blue);
    await writeImage(join(root, "Ant", "c.jpg"), blue);
    await write(join(root, "zebra", "notes.txt"), "no image");
    await write(join(root, ".cache", "d.png"), "hidden");
    const dataset = await openDataset(root);
    expect(dataset.classNames).toEqual(["Ant", "zebra"]);
    expect([...(dataset.labels ?? [])]).toEqual([0, 1, 1]);
    expect([0, 1, 2].map((index) => dataset.describe(index))).toEqual([
      join(root, "Ant", "c.jpg"),
      join(root, "zebra", "a.png"),
      join(root, "zebra", "deep", "er", "b.png"),
    ]);
    const { data } = await dataset.read([1]);
    expect([data[0], data[16], data[32]]).toEqual([255, 0, 0]);
  });

  test("a link back up does not lead round and round", async () => {
    const root = join(folder, "loop");
    await writeImage(join(root, "cat", "a.png"), red);
    await symlink(root, join(root, "cat", "up"));
    expect((await openDataset(root)).length).toBe(1);
  });

  test("an image whose link leads nowhere is not silently left out", async () => {
    const root = join(folder, "half-fetched");
    await writeImage(join(root, "cat", "a.png"), red);
    await symlink(join(root, "elsewhere.png"), join(root, "cat", "b.png"));
    await expect(openDataset(root)).rejects.toThrow(
      `${join(root, "cat", "b.png")}: the link leads to a file that is not there; fetch the file, or remove the link`,
    );
  });

  test("where nothing looks at labels there are none: all images below are taken", async () => {
    const root = join(folder, "unsorted");
    await writeImage(join(root, "b.png"), red);
    await writeImage(join(root, "some", "deep", "a.png"), blue);
    await mkdir(join(root, "empty"));
    await expect(openDataset(root)).rejects.toThrow("expected either images or class folders");
    for (const dataset of [
      await openDataset(root, { ignoreLabels: true }),
      await openDataset(`folder:${root}?labels=none`),
    ]) {
      expect([dataset.length, dataset.labels]).toEqual([2, undefined]);
      expect(dataset.describe(1)).toBe(join(root, "some", "deep", "a.png"));
    }
    await expect(openDataset(`folder:${join(root, "empty")}?labels=none`)).rejects.toThrow("got a folder without");
    await mkdir(join(root, "empty", "er"));
    await expect(openDataset(`folder:${join(root, "empty")}?labels=none`)).rejects.toThrow("got a folder without");
  });

  test("images directly in the folder have no labels", async () => {
    const root = join(folder, "flat");
    await writeImage(join(root, "2.png"), red);
    await writeImage(join(root, "10.png"), blue);
    await mkdir(join(root, "notes"));
    const dataset = await openDataset(`folder:${root}`);
    expect(dataset.labels).toBeUndefined();
    expect(dataset.classNames).toBeUndefined();
    expect(dataset.describe(0)).toBe(join(root, "10.png"));
  });

  test("images beside class folders are refused", async () => {
    const root = join(folder, "mixed");
    await writeImage(join(root, "stray.png"), red);
    await writeImage(join(root, "cat", "a.png"), red);
    await expect(openDataset(root)).rejects.toThrow(
      "expected either images or class folders, got both (stray.png beside cat/)",
    );
  });

  test("an empty class is refused, because it would shift the numbers of the classes after it", async () => {
    const root = join(folder, "gap");
    await writeImage(join(root, "cat", "a.png"), red);
    await mkdir(join(root, "dog"));
    await expect(openDataset(root)).rejects.toThrow(
      /dog: expected images of a class, got none; remove the empty folder/,
    );
  });

  test("an empty folder and a missing one are refused", async () => {
    await mkdir(join(folder, "empty"));
    await expect(openDataset(join(folder, "empty"))).rejects.toThrow(
      "or a folder of images for each class, got a folder without",
    );
    await expect(openDataset(`folder:${join(folder, "none")}`)).rejects.toThrow("no such file or folder");
  });

  test("a file name that is not UTF-8 is refused", async () => {
    const root = join(folder, "latin1");
    await writeImage(join(root, "x.png"), red);
    await rename(
      join(root, "x.png"),
      Buffer.concat([Buffer.from(`${root}/caf`), Uint8Array.of(0xe9), Buffer.from(".png")]),
    );
    await expect(openDataset(root)).rejects.toThrow("expected file names in UTF-8");
  });
});

describe("fingerprint", () => {
  const copy = async (name: string, colour: readonly [number, number, number]): Promise<string> => {
    const root = join(folder, name);
    await writeImage(join(root, "a.png"), colour);
    await writeImage(join(root, "b.png"), blue);
    return root;
  };

  test("depends on contents, not on names and times", async () => {
    const one = await copy("print-one", red);
    const two = await copy("print-two", red);
    await utimes(join(two, "a.png"), 1, 1);
    const other = await copy("print-other", [254, 0, 0]);
    const prints = await Promise.all([one, two, other].map(async (path) => (await openDataset(path)).fingerprint()));
    expect(prints[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(prints[1]).toBe(prints[0]);
    expect(prints[2]).not.toBe(prints[0]);
  });

  test("depends on selection, shape and way of resizing", async () => {
    const root = await copy("print-options", red);
    const specs = [root, `${root}?limit=1`];
    const prints = await Promise.all(specs.map(async (spec) => (await openDataset(spec)).fingerprint()));
    for (const spec of [root, `${root}?resize=crop`]) {
      prints.push(await (await openDataset(spec, { shape: [3, 8, 8] })).fingerprint());
    }
    expect(new Set(prints).size).toBe(4);
  });
});

test("a truncated image is named when it is read, and the others can be read", async () => {
  const root = join(folder, "truncated");
  await writeImage(join(root, "good.jpg"), red, 64, 64);
  const path = await writeImage(join(root, "whole.jpg"), red, 64, 64);
  const { size } = await stat(path);
  await write(join(root, "zcut.jpg"), (await readFile(path)).subarray(0, size - 40));
  const dataset = await openDataset(root, { shape: [3, 8, 8] });
  await dataset.read([0, 1]);
  await expect(dataset.read([0, 2])).rejects.toThrow(
    /zcut\.jpg: the image cannot be decoded .* replace or remove the file/,
  );
});

test("images of several sizes need a model's size", async () => {
  const root = join(folder, "sizes");
  await writeImage(join(root, "a.png"), red, 4, 4);
  await writeImage(join(root, "b.png"), red, 6, 4);
  const dataset = await openDataset(root);
  await expect(dataset.read([0, 1])).rejects.toThrow("b.png: expected 4 x 4 pixels as in the first image, got 6 x 4");
  const resized = await (await openDataset(root, { shape: [3, 5, 7] })).read([0, 1]);
  expect(resized.shape).toEqual([3, 5, 7]);
  expect([...resized.data.subarray(0, 35)]).toEqual(new Array(35).fill(255));
});

test("an image that was read once is not decoded again, so that epochs after the first cost no decoding", async () => {
  const root = join(folder, "cache");
  const path = await writeImage(join(root, "a.png"), red);
  const dataset = await openDataset(root, { shape: [3, 2, 2] });
  const first = await dataset.read([0, 0]);
  await write(path, "gone");
  expect((await dataset.read([0])).data).toEqual(first.data.subarray(0, 12));
});
