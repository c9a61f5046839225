import { expect, test } from "vitest";
import { arrayDataset, createGenerator, type ImageBatch } from "../data/index.js";
import { TailPaster } from "./tail-paster.js";

const size = 3 * 8 * 8;
const shape = [3, 8, 8] as const;
/** Images of one colour each. */
const plain = (colours: readonly number[]): ImageBatch => ({
  data: Uint8Array.from({ length: colours.length * size }, (_, at) => colours[Math.floor(at / size)] as number),
  count: colours.length,
  shape,
});
const labels = Int32Array.of(0, 1, 2, 0, 2, 1);
const set = arrayDataset({ name: "set", data: plain([0, 1, 2, 3, 4, 5]).data as Uint8Array, shape, labels });
const paster = new TailPaster(set, Int32Array.of(0, 1, 2, 3, 4, 5), [2]);
const colours = ({ data, count }: ImageBatch) =>
  Array.from({ length: count }, (_, row) => [...new Set(data.subarray(row * size, (row + 1) * size))].sort());

test("rare images are drawn from those of the rare classes", () => {
  expect([...new Set(paster.choose(50, createGenerator(1)))].sort()).toEqual([2, 4]);
});

test("they are pasted onto images of frequent classes and onto outliers, half of them each", () => {
  const rare = plain([200, 201, 202, 203, 204, 205]);
  const batch = { images: plain([10, 11, 12, 13]), labels: Int32Array.of(2, 0, 2, 1) };
  const made = colours(paster.paste(rare, batch, plain([90, 91]), createGenerator(1)));
  const behind = made.map((found) => found.filter((colour) => colour < 200));
  // A box may hide all of what is behind it: none of these does.
  expect(behind).toEqual([[11], [13], [11], [90], [91], [90]]);
});

test("without a frequent class in the batch all are pasted onto outliers", () => {
  const batch = { images: plain([10, 11]), labels: Int32Array.of(2, 2) };
  const made = colours(paster.paste(plain([200, 201]), batch, plain([90, 91]), createGenerator(2)));
  for (const found of made) expect(found).not.toContain(10);
  for (const found of made) expect(found).not.toContain(11);
});
