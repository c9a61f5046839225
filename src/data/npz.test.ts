import { join } from "node:path";
import { expect, test } from "vitest";
import { zipBytes } from "../../test/data/archives.js";
import { temporaryFolder, write } from "../../test/data/files.js";
import { encodeNpy } from "./npy.js";
import { readNpz } from "./npz.js";

const folder = temporaryFolder();
let files = 0;
const archive = (entries: Parameters<typeof zipBytes>[0]): Promise<string> =>
  write(join(folder, `${files++}.npz`), zipBytes(entries));
const two = { name: "two.npy", content: encodeNpy(Int16Array.of(-3, 500), [2, 1]) };

test("the array of that name is read, not another one", async () => {
  const path = await archive([{ name: "one.npy", content: encodeNpy(Uint8Array.of(1)) }, two]);
  expect(await readNpz(path, "two")).toEqual({ shape: [2, 1], type: "i2", data: Int16Array.of(-3, 500) });
  await expect(readNpz(path, "tw")).rejects.toThrow(`${path}: expected an array "tw", got an archive without it`);
});

test.each([
  ["no archive", "PK no archive"],
  ["an archive that is cut off", zipBytes([two]).subarray(0, 150)],
  ["an array that is longer than its entry says", zipBytes([{ ...two, claimedBytes: 20 }])],
])("%s is refused in one sentence", async (_, content) => {
  const path = await write(join(folder, `${files++}.npz`), content);
  await expect(readNpz(path, "two")).rejects.toThrow(
    /npz: expected an NPZ archive, got .*; the file is truncated or corrupt$/,
  );
});

test("an array that is longer than memory may hold is refused before it is read", async () => {
  const path = await archive([{ ...two, claimedBytes: 2 ** 31 + 1 }]);
  await expect(readNpz(path, "two")).rejects.toThrow("expected at most 2147483648 bytes, got 2147483649");
});

test("an array that is no NPY, and a file that is not there", async () => {
  const path = await archive([{ name: "two.npy", content: "something that is no array" }]);
  await expect(readNpz(path, "two")).rejects.toThrow(`${path}, array "two": expected an NPY file, got something else`);
  await expect(readNpz(join(folder, "absent.npz"), "two")).rejects.toThrow(/absent.npz/);
});
