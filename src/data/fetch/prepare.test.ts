import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder, write } from "../../../test/data/files.js";
import { writeLabels, writePixels } from "../../../test/data/segmentation.js";
import { openDataset } from "../open.js";
import { openSegmentation } from "../segmentation/index.js";
import { catalogue } from "./catalogue/index.js";
import { readMatlabBytes } from "./matlab.js";
import { prepare } from "./prepare.js";

/** Made by test/reference/fetch.py. */
const { svhn } = JSON.parse(readFileSync(new URL("../../../test/reference/fetch.json", import.meta.url), "utf8")) as {
  readonly svhn: {
    readonly plain: string;
    readonly compressed: string;
    readonly images: string;
    readonly labels: number[];
  };
};
const bytes = (text: string): Buffer => Buffer.from(text, "base64");

describe.each(["plain", "compressed"] as const)("SVHN's file as SciPy writes it, %s", (form) => {
  test("becomes images and labels, the digit 0 for 10, rows not taken for columns", async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, "test_32x32.mat"), bytes(svhn[form]));
    await prepare(folder, { kind: "svhn", file: "test_32x32.mat" });
    const base = join(folder, "test_32x32");
    const dataset = await openDataset(`npy:${base}.npy,${base}-labels.npy`);
    expect([...(dataset.labels ?? [])]).toEqual(svhn.labels);
    expect(dataset.shape).toEqual([3, 32, 32]);
    expect((await dataset.read([0, 1])).data).toEqual(new Uint8Array(bytes(svhn.images)));
  });

  test.each([0.2, 0.5, 0.95])("is refused when only a share of %d is there", async (share) => {
    const whole = bytes(svhn[form]);
    const path = await write(join(temporaryFolder(), "x.mat"), whole.subarray(0, Math.floor(whole.length * share)));
    await expect(readMatlabBytes(path)).rejects.toThrow(/the file ends in the middle of an array/);
  });
});

describe("other MATLAB files are refused", () => {
  const change = async (at: number, value: number): Promise<string> => {
    const whole = bytes(svhn.plain);
    whole[at] = value;
    return write(join(temporaryFolder(), "x.mat"), whole);
  };

  test("another kind of file", async () => {
    const path = await write(join(temporaryFolder(), "x.mat"), "no such thing");
    await expect(readMatlabBytes(path)).rejects.toThrow("expected a MATLAB 5.0 file, little-endian, got another file");
  });

  test("sizes that do not fit the data", async () => {
    // The first size of X: 128 bytes of header, tags of matrix, flags and sizes.
    const path = await change(128 + 8 + 16 + 8, 31);
    await expect(readMatlabBytes(path)).rejects.toThrow(
      /array "X": expected numbers stored as bytes.* for 31 x 32 x 3 x 2/,
    );
  });

  test("an array that is not there", async () => {
    const folder = temporaryFolder();
    const whole = bytes(svhn.plain);
    await writeFile(join(folder, "x.mat"), whole.subarray(0, 128 + 8 + whole.readUInt32LE(132)));
    await expect(prepare(folder, { kind: "svhn", file: "x.mat" })).rejects.toThrow(
      "expected an array X of 32 x 32 x 3 x N bytes and an array y of N, got X of 32 x 32 x 3 x 2",
    );
  });
});

test("class names lose the empty line at the end of CIFAR-10's list", async () => {
  const folder = temporaryFolder();
  await writeFile(join(folder, "batches.meta.txt"), "airplane\ntruck\n\n");
  await prepare(folder, {
    kind: "class-names",
    from: "batches.meta.txt",
    files: ["test_batch.bin", "data_batch_1.bin"],
  });
  expect(await readFile(join(folder, "test_batch.classes.txt"), "utf8")).toBe("airplane\ntruck\n");
  expect(await readFile(join(folder, "data_batch_1.classes.txt"), "utf8")).toBe("airplane\ntruck\n");
});

test("a move that an interrupted run has done already is not done again", async () => {
  const folder = temporaryFolder();
  await mkdir(join(folder, "packed", "train"), { recursive: true });
  const moveIt = () => prepare(folder, { kind: "move", from: "packed/train", to: "set/train/images" });
  await moveIt();
  await moveIt();
  await writeFile(join(folder, "set", "train", "images", "a"), "");
  await expect(prepare(folder, { kind: "move", from: "packed/other", to: "set/other" })).rejects.toThrow("ENOENT");
});

test("CamVid comes to lie as its datasets say, which is where the recipes read it", async () => {
  const folder = temporaryFolder();
  const { preparations = [], uses } = catalogue.find(({ name }) => name === "camvid") ?? { uses: [] };
  for (const preparation of preparations) {
    if (preparation.kind !== "move") throw new Error(`no move: ${preparation.kind}`);
    const file = join(folder, preparation.from, "0.png");
    if (preparation.to.endsWith("images")) await writePixels(file, Uint8Array.of(1, 2, 3, 4, 5, 6), 2, 3);
    else await writeLabels(file, [0, 11], 2);
    await prepare(folder, preparation);
  }
  expect(uses).toHaveLength(2);
  for (const { dataset } of uses) expect((await openSegmentation(dataset.replace("{}", folder))).length).toBe(1);
  expect((await openSegmentation(`camvid:${folder}?split=val`)).length).toBe(1);
});
