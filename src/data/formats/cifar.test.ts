import { join } from "node:path";
import { expect, test } from "vitest";
import { cifarBytes, temporaryFolder, write } from "../../../test/data/files.js";
import { openDataset } from "../open.js";

const folder = temporaryFolder();
const file = (name: string, content: string | Uint8Array): Promise<string> => write(join(folder, name), content);
const many = (count: number, label: (index: number) => readonly number[]): Uint8Array =>
  cifarBytes(Array.from({ length: count }, (_, index) => label(index)));

test("labels, pixels and places of two CIFAR-10 files follow each other", async () => {
  const one = await file("one.bin", cifarBytes([[3], [9]]));
  const two = await file("two.bin", cifarBytes([[0], [1], [2]]));
  const dataset = await openDataset(`cifar:${one},${two}`);
  expect([...(dataset.labels ?? [])]).toEqual([3, 9, 0, 1, 2]);
  const batch = await dataset.read([4, 1, 4]);
  expect([batch.count, ...batch.shape]).toEqual([3, 3, 32, 32]);
  expect([batch.data[0], batch.data[3072], batch.data[6144]]).toEqual([2, 1, 2]);
  expect(dataset.describe(4)).toBe("two.bin image 2");
});

test("the pixels of an image are its red, green and blue planes, without the label", async () => {
  const bytes = Uint8Array.from({ length: 3073 }, (_, at) => (at === 0 ? 7 : (at - 1) % 251));
  const dataset = await openDataset(await file("planes.bin", bytes));
  expect((await dataset.read([0])).data).toEqual(bytes.slice(1));
});

test("CIFAR-100 files give fine labels, and coarse ones beside", async () => {
  const dataset = await openDataset(
    await file(
      "hundred.bin",
      cifarBytes([
        [19, 99],
        [0, 5],
      ]),
    ),
  );
  expect([...(dataset.labels ?? [])]).toEqual([99, 5]);
  expect([...(dataset.labelSets?.coarse ?? [])]).toEqual([19, 0]);
  expect((await dataset.read([1])).data[0]).toBe(1);
});

test("class names beside the file are read and allow more than ten classes", async () => {
  await file("named.classes.txt", Array.from({ length: 12 }, (_, index) => `class ${index}\n`).join(""));
  const dataset = await openDataset(await file("named.bin", cifarBytes([[11]])));
  expect(dataset.classNames).toHaveLength(12);
  expect(dataset.classNames?.[11]).toBe("class 11");
});

test("a label beyond the classes is refused with its image", async () => {
  const path = await file("label.bin", cifarBytes([[1], [10]]));
  await expect(openDataset(path)).rejects.toThrow(`${path} image 1: expected a label from 0 to 9, got 10`);
  expect((await openDataset(`${path}?classes=100`)).length).toBe(2);
});

test("a truncated file is refused", async () => {
  const path = await file("short.bin", cifarBytes([[1], [2]]).subarray(0, 6000));
  await expect(openDataset(path)).rejects.toThrow(/multiple of 3073 bytes .* got 6000 bytes; the file is truncated/);
});

test("an empty file is refused", async () => {
  await expect(openDataset(await file("empty.bin", ""))).rejects.toThrow("got 0 bytes");
});

test("an empty line among the class names is refused with its number", async () => {
  await file("gap.classes.txt", "cat\n\ndog\n");
  await expect(openDataset(await file("gap.bin", cifarBytes([[1]])))).rejects.toThrow("gap.classes.txt line 2");
});

test("CIFAR-10 and CIFAR-100 files do not mix", async () => {
  const ten = await file("ten.bin", cifarBytes([[1]]));
  const hundred = await file("hundred.bin", cifarBytes([[1, 1]]));
  await expect(openDataset(`cifar:${ten},${hundred}`)).rejects.toThrow("do not mix");
});

// 3074 images of 3073 bytes are as large as 3073 images of 3074 bytes.
test("when both sizes fit, labels that only one of the two allows decide", async () => {
  const ten = many(3074, (index) => [index % 10]);
  // Read as CIFAR-100 the second byte of image 0 is a pixel: 255 is no fine label.
  ten.fill(255, 1, 3073);
  expect((await openDataset(await file("ambiguous10.bin", ten))).length).toBe(3074);
  const hundred = many(3073, (index) => [index % 20, index % 100]);
  expect((await openDataset(await file("ambiguous100.bin", hundred))).length).toBe(3073);
});

test("when both sizes fit and all labels are allowed, classes= decides and is asked for", async () => {
  const path = await file("black.bin", new Uint8Array(3073 * 3074));
  await expect(openDataset(path)).rejects.toThrow(/3074 images of CIFAR-10 or 3073 of CIFAR-100; add \?classes=10/);
  expect((await openDataset(`${path}?classes=10`)).length).toBe(3074);
  expect((await openDataset(`${path}?classes=100`)).length).toBe(3073);
});

test("labels outside the range do not matter where labels are not looked at", async () => {
  const image = new Uint8Array(3073).fill(7);
  image[0] = 200;
  const path = await file("outliers-200.bin", image);
  await expect(openDataset(`cifar:${path}`)).rejects.toThrow("expected a label from 0 to 9, got 200");
  const dataset = await openDataset(`cifar:${path}`, { ignoreLabels: true });
  expect(dataset.labels).toBeUndefined();
  expect((await dataset.read([0])).data.every((byte) => byte === 7)).toBe(true);
  // Choosing by class looks at them.
  await expect(openDataset(`cifar:${path}?exclude=3`, { ignoreLabels: true })).rejects.toThrow("got 200");
});
