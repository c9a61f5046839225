import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { idxBytes, temporaryFolder, write } from "../../../test/data/files.js";
import { openDataset } from "../open.js";

const folder = temporaryFolder();
const pixels = Uint8Array.from({ length: 12 }, (_, at) => at);
const file = (name: string, content: Uint8Array): Promise<string> => write(join(folder, name), content);

test.each([
  ["plain", (bytes: Uint8Array) => bytes],
  ["gzip", (bytes: Uint8Array) => gzipSync(bytes)],
])("%s: grey images are repeated for a colour model, labels follow", async (name, pack) => {
  const images = await file(`${name}-images`, pack(idxBytes([2, 2, 3], pixels)));
  const labels = await file(`${name}-labels`, pack(idxBytes([2], Uint8Array.of(4, 9))));
  const dataset = await openDataset(`idx:${images},${labels}`, { shape: [3, 2, 3] });
  expect([...(dataset.labels ?? [])]).toEqual([4, 9]);
  expect([...(await dataset.read([1])).data]).toEqual([6, 7, 8, 9, 10, 11, 6, 7, 8, 9, 10, 11, 6, 7, 8, 9, 10, 11]);
});

test.runIf(process.platform === "linux")("a packed file is closed after a look at its start", async () => {
  const noise = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 7919 + ((at * at) >> 3)) % 256);
  const path = await file("large-images", gzipSync(idxBytes([300, 100, 10], noise)));
  const open = async () => (await readdir("/proc/self/fd", { withFileTypes: true })).length;
  await openDataset(`idx:${path}`);
  const before = await open();
  for (let round = 0; round < 5; round++) await openDataset(`idx:${path}`);
  await setTimeout(50);
  expect(await open()).toBeLessThan(before + 5);
});

test("a bare path is recognised by its content", async () => {
  const dataset = await openDataset(await file("t10k-images", idxBytes([2, 2, 3], pixels)));
  expect(dataset.shape).toEqual([1, 2, 3]);
  expect(dataset.labels).toBeUndefined();
});

test.each([
  ["labels given first", idxBytes([12], pixels), "got 00 00 08 01"],
  ["an empty file", new Uint8Array(0), "got an empty file"],
  ["float elements", Buffer.concat([Uint8Array.of(0, 0, 13, 3), new Uint8Array(20)]), "got 00 00 0d 03"],
  ["a header cut short", idxBytes([2, 2, 3], pixels).subarray(0, 10), "expected 16 bytes, as its header says, got 10"],
  ["data cut short", idxBytes([2, 2, 3], pixels).subarray(0, 20), "expected 28 bytes, as its header says, got 20"],
  ["data too long", Buffer.concat([idxBytes([2, 2, 3], pixels), new Uint8Array(1)]), "got 29"],
  ["sizes over all memory", idxBytes([2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], pixels), "at most 2147483648 bytes"],
  ["no images", idxBytes([0, 2, 3], new Uint8Array(0)), "at least one element"],
  ["truncated gzip", gzipSync(idxBytes([2, 2, 3], pixels)).subarray(0, 25), "broken gzip data"],
  [
    "gzip of zeros beyond its header",
    gzipSync(Buffer.concat([idxBytes([2, 2, 3], pixels), Buffer.alloc(10_000_000)])),
    "got more",
  ],
])("refused: %s", async (name, bytes, message) => {
  await expect(openDataset(`idx:${await file(name, bytes)}`)).rejects.toThrow(message);
});

test("images and labels of different number are refused", async () => {
  const images = await file("images", idxBytes([2, 2, 3], pixels));
  const labels = await file("labels", idxBytes([3], Uint8Array.of(1, 2, 3)));
  await expect(openDataset(`idx:${images},${labels}`)).rejects.toThrow("expected 2 labels");
});
