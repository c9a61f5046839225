import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder, write } from "../../../test/data/files.js";
import { encodeNpy, type NpyData } from "../npy.js";
import { openDataset } from "../open.js";

const folder = temporaryFolder();
let files = 0;
const array = (data: NpyData, shape: readonly number[]): Promise<string> =>
  write(join(folder, `${files++}.npy`), encodeNpy(data, shape));
const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at);

test("[N, H, W, C] is turned into planes", async () => {
  const dataset = await openDataset(await array(counting(2 * 2 * 2 * 3), [2, 2, 2, 3]));
  expect(dataset.shape).toEqual([3, 2, 2]);
  expect([...(await dataset.read([1])).data]).toEqual([12, 15, 18, 21, 13, 16, 19, 22, 14, 17, 20, 23]);
});

test("[N, C, H, W] and [N, H, W] are read as they are", async () => {
  const planes = await openDataset(await array(counting(24), [2, 3, 2, 2]));
  expect([...(await planes.read([1])).data]).toEqual([...counting(24).subarray(12)]);
  const grey = await openDataset(await array(counting(8), [2, 2, 2]));
  expect(grey.shape).toEqual([1, 2, 2]);
});

test("an array that can be read both ways asks for layout, and takes it", async () => {
  const path = await array(counting(18), [1, 3, 2, 3]);
  await expect(openDataset(path)).rejects.toThrow(
    "can have its channels second or last; add ?layout=nchw or ?layout=nhwc",
  );
  expect((await openDataset(`${path}?layout=nchw`)).shape).toEqual([3, 2, 3]);
  expect((await openDataset(`${path}?layout=nhwc`)).shape).toEqual([3, 3, 2]);
});

test("a layout is not ignored where one colour image stands for a set", async () => {
  const path = await array(counting(27), [3, 3, 3]);
  await expect(openDataset(`${path}?layout=nhwc`)).rejects.toThrow(
    "expected four axes, as layout=nhwc says, got an array of 3 x 3 x 3; leave layout out for grey images",
  );
});

test("a single colour image is not taken for many grey ones, which can be 3 pixels wide with a channel axis", async () => {
  await expect(openDataset(await array(counting(8 * 8 * 3), [8, 8, 3]))).rejects.toThrow(
    "an array of 8 x 8 x 3 looks like a single colour image; save it as array[None]",
  );
  expect((await openDataset(await array(counting(8 * 8 * 3), [8, 8, 3, 1]))).shape).toEqual([1, 8, 3]);
  expect((await openDataset(await array(counting(8 * 7 * 3), [8, 7, 3]))).shape).toEqual([1, 7, 3]);
});

test("labels of any kind pass where nothing looks at them", async () => {
  const images = await array(counting(8), [2, 2, 2]);
  const labels = await array(Float64Array.of(0.5, -2, 3), [3]);
  expect((await openDataset(`npy:${images},${labels}`, { ignoreLabels: true })).labels).toBeUndefined();
  expect((await openDataset(`npy:${images},${labels}?labels=none`)).length).toBe(2);
});

test("a layout that does not fit is refused", async () => {
  const path = await array(counting(24), [2, 2, 2, 3]);
  await expect(openDataset(`${path}?layout=nchw`)).rejects.toThrow(
    "expected 1 or 3 channels in nchw, got an array of 2 x 2 x 2 x 3",
  );
});

test("floats stay floats", async () => {
  const dataset = await openDataset(await array(Float32Array.of(0, 0.25, 0.5, 1), [1, 2, 2]));
  expect((await dataset.read([0])).data).toEqual(Float32Array.of(0, 0.25, 0.5, 1));
});

test.each([Number.NaN, 1.5, -0.1, Infinity])("a float pixel of %d is refused with its image", async (value) => {
  const dataset = await openDataset(await array(Float32Array.of(0, 0, 0, value), [2, 1, 2]));
  await dataset.read([0]);
  await expect(dataset.read([1])).rejects.toThrow(/image 1: expected pixels from 0 to 1, got/);
});

test("labels of 64-bit integers, as NumPy makes them, are read", async () => {
  const images = await array(counting(8), [2, 2, 2]);
  const labels = await array(BigInt64Array.of(7n, -1n), [2]);
  expect([...((await openDataset(`npy:${images},${labels}`)).labels ?? [])]).toEqual([7, -1]);
});

test("images and labels of different length are refused", async () => {
  const images = await array(counting(8), [2, 2, 2]);
  const labels = await array(Int32Array.of(1, 2, 3), [3]);
  await expect(openDataset(`npy:${images},${labels}`)).rejects.toThrow(
    /expected 2 labels, one for each image of .*, got 3/,
  );
});

test.each([0.5, Number.NaN, -2, 1e9])("a label of %d is refused with its place", async (value) => {
  const images = await array(counting(8), [2, 2, 2]);
  const labels = await array(Float64Array.of(1, value), [2]);
  await expect(openDataset(`npy:${images},${labels}`)).rejects.toThrow("label 1: expected an integer");
});

test.each([
  ["float64", new Float64Array(4), [1, 2, 2], "got f8"],
  ["two axes", counting(4), [2, 2], "got an array of 2 x 2"],
  ["two channels", counting(8), [1, 2, 2, 2], "expected 1 or 3 channels"],
  ["no image", counting(0), [0, 2, 2], "expected at least one image"],
] as const)("refused: %s", async (_, data, shape, message) => {
  await expect(openDataset(await array(data, shape))).rejects.toThrow(message);
});
