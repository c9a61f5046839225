import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cifarBytes, idxBytes, temporaryFolder, write, writeImage } from "../../test/data/files.js";
import { checkClassCount, requireLabels } from "./labels.js";
import { openDataset } from "./open.js";

const folder = temporaryFolder();
const cifar = await write(join(folder, "some,name.bin"), cifarBytes([[0], [1], [2], [1]]));

describe("a bare path", () => {
  test("that leads nowhere is refused with the kinds there are", async () => {
    await expect(openDataset("cifr:x.bin")).rejects.toThrow(
      'dataset "cifr:x.bin": no such file or folder; datasets are written KIND:PATH with KIND one of cifar, folder, list, idx, npy, sheet',
    );
  });

  test.each([
    ["x.png", "got a single image"],
    ["x.npz", "got a ZIP archive"],
    ["x.dat", "got a file of unknown kind; say what it is: KIND:PATH"],
  ])("to %s is refused", async (name, message) => {
    const path = join(folder, name);
    if (name.endsWith("png")) await writeImage(path, [1, 2, 3]);
    else await write(path, name.endsWith("npz") ? "PK\x03\x04 and more bytes" : "?");
    await expect(openDataset(path)).rejects.toThrow(message);
  });

  test("with a comma in its name is one file", async () => {
    expect((await openDataset(cifar)).length).toBe(4);
  });
});

describe("a dataset", () => {
  test("is resized to what the model takes, and knows its spec and name", async () => {
    const dataset = await openDataset(`${cifar}?limit=3`, { shape: [3, 8, 16] });
    expect(dataset.spec).toBe(`${cifar}?limit=3`);
    expect(dataset.name).toBe("some,name");
    const batch = await dataset.read([2]);
    expect([batch.count, ...batch.shape, batch.data.length]).toEqual([1, 3, 8, 16, 384]);
    expect(new Set(batch.data)).toEqual(new Set([2]));
    expect((await openDataset(cifar, { name: "mine" })).name).toBe("mine");
  });

  test("keeps the numbers of its classes when some are left out", async () => {
    const dataset = await openDataset(`${cifar}?exclude=0`);
    expect([...(dataset.labels ?? [])]).toEqual([1, 2, 1]);
    expect(dataset.describe(2)).toBe("some,name.bin image 3");
    expect((await dataset.read([2])).data[0]).toBe(3);
    const withoutLast = await openDataset(`${cifar}?exclude=2`);
    expect(withoutLast.classCount).toBe(3);
    expect((await openDataset(cifar, { ignoreLabels: true })).classCount).toBeUndefined();
  });

  test("may have any labels where nothing looks at them", async () => {
    await writeImage(join(folder, "some.png"), [1, 2, 3]);
    const list = await write(join(folder, "odd.txt"), "some.png -2\n");
    await expect(openDataset(`list:${list}`)).rejects.toThrow("expected an integer label from -1 to 999999, got -2");
    expect((await openDataset(`list:${list}`, { ignoreLabels: true })).length).toBe(1);
    const images = await write(join(folder, "images.idx"), idxBytes([2, 2, 2], new Uint8Array(8)));
    const labels = await write(join(folder, "three.idx"), idxBytes([3], new Uint8Array(3)));
    await expect(openDataset(`idx:${images},${labels}`)).rejects.toThrow("expected 2 labels");
    expect((await openDataset(`idx:${images},${labels}`, { ignoreLabels: true })).labels).toBeUndefined();
  });

  test("of colours fits a model for grey images, but none for four channels", async () => {
    expect((await (await openDataset(cifar, { shape: [1, 32, 32] })).read([3])).data[0]).toBe(3);
    const four = await openDataset(cifar, { shape: [4, 32, 32] });
    await expect(four.read([0])).rejects.toThrow("image 0: expected an image that fits 4 channels, got 3 channels");
  });

  test("has the channels of a model of any size, and its own size", async () => {
    const grey = await openDataset(cifar, { channels: 1 });
    expect(grey.shape).toEqual([1, 32, 32]);
    expect((await grey.read([3])).data[0]).toBe(3);
    const pixels = await write(
      join(folder, "grey.idx"),
      idxBytes(
        [2, 4, 5],
        new Uint8Array(40).map((_, at) => at),
      ),
    );
    const coloured = await openDataset(pixels, { channels: 3 });
    expect(coloured.shape).toEqual([3, 4, 5]);
    const { data } = await coloured.read([1]);
    expect([data[0], data[20], data[40], data[59]]).toEqual([20, 20, 20, 39]);
  });

  test.each([-1, 4, 0.5, Number.NaN])("has no image %d", async (index) => {
    await expect((await openDataset(cifar)).read([index])).rejects.toThrow("expected image indices from 0 to 3");
  });

  test("reads an empty batch", async () => {
    expect((await (await openDataset(cifar)).read([])).count).toBe(0);
  });

  test("cannot be resized without a model", async () => {
    await expect(openDataset(`${cifar}?resize=crop`)).rejects.toThrow("resize needs a model to resize to");
  });

  test("that is not read is resized by no one, and how it is to be counts only where it says so", async () => {
    const print = async (options: string) => (await openDataset(`${cifar}${options}`, { unread: true })).fingerprint();
    expect(await print("")).toBe(await (await openDataset(cifar)).fingerprint());
    expect(new Set([await print(""), await print("?resize=crop"), await print("?resize=stretch")]).size).toBe(3);
    const dataset = await openDataset(`${cifar}?resize=crop`, { unread: true });
    expect([...(dataset.labels ?? [])]).toHaveLength(4);
  });

  test("has another fingerprint when a pixel, a label or the number of images differs", async () => {
    const prints = [];
    for (const [name, bytes] of [
      ["a", cifarBytes([[0], [1]])],
      ["same", cifarBytes([[0], [1]])],
      ["label", cifarBytes([[0], [2]])],
      ["less", cifarBytes([[0]])],
    ] as const) {
      prints.push(await (await openDataset(await write(join(folder, `${name}.bin`), bytes))).fingerprint());
    }
    expect(prints[1]).toBe(prints[0]);
    expect(new Set(prints).size).toBe(3);
  });
});

test("a fingerprint tells which images were selected, not only how many, and whether labels count", async () => {
  const specs = [`${cifar}?limit=2&labels=none`, `${cifar}?include=1`, `${cifar}?include=1&labels=none`];
  const prints = await Promise.all(specs.map(async (spec) => (await openDataset(spec)).fingerprint()));
  expect(new Set(prints).size).toBe(3);
});

describe("labels for a model", () => {
  test("that lie within its outputs pass", async () => {
    const dataset = await openDataset(cifar);
    expect(() => checkClassCount(dataset, 3)).not.toThrow();
  });

  test("beyond its outputs are refused with the image", async () => {
    const dataset = await openDataset(cifar);
    expect(() => checkClassCount(dataset, 2)).toThrow(
      "some,name.bin image 2: expected a label from 0 to 1, as the model has 2 outputs, got 2",
    );
  });

  test("of another number of named classes are refused", async () => {
    const root = join(folder, "two");
    await writeImage(join(root, "cat", "a.png"), [0, 0, 0]);
    await writeImage(join(root, "dog", "a.png"), [0, 0, 0]);
    const dataset = await openDataset(root);
    expect(() => checkClassCount(dataset, 10)).toThrow(
      "expected 10 classes, as the model has outputs, got 2 (cat, dog)",
    );
    expect(() => checkClassCount(dataset, 2)).not.toThrow();
  });

  test("that are missing are refused", async () => {
    const dataset = await openDataset(`${cifar}?labels=none`);
    expect(() => requireLabels(dataset)).toThrow("expected images with labels, got images without");
    expect(() => checkClassCount(dataset, 3)).toThrow("expected images with labels");
  });
});

describe("size=", () => {
  test("brings images to one size where no model says it, and must be the model's where one does", async () => {
    const dataset = await openDataset(`${cifar}?size=8x16`);
    expect(dataset.shape).toEqual([3, 8, 16]);
    expect((await dataset.read([1])).data).toHaveLength(3 * 8 * 16);
    expect(dataset.resize).toBe("stretch");
    expect((await openDataset(`${cifar}?size=8x16&resize=crop`)).resize).toBe("crop");
    expect((await openDataset(`${cifar}?size=8x16`, { channels: 1 })).shape).toEqual([1, 8, 16]);
    expect((await openDataset(`${cifar}?size=8x16`, { shape: [3, 8, 16] })).shape).toEqual([3, 8, 16]);
    const other = openDataset(`${cifar}?size=8x16`, { shape: [3, 16, 8] });
    await expect(other).rejects.toThrow("expected images of 16x8, which the model takes, got size=8x16");
    await expect(openDataset(`${cifar}?size=8`)).rejects.toThrow("option size: expected HEIGHTxWIDTH");
  });
});
