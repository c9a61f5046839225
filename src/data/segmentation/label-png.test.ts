import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { temporaryFolder, write } from "../../../test/data/files.js";
import { bytes, reference } from "../../../test/data/segmentation.js";
import { decodeLabelPng, labelPngSize, readLabelPng } from "./label-png.js";

const folder = temporaryFolder();

test.each(reference.labels)("$name: ids are those that Pillow stored, not colours or stretched greys", async (item) => {
  const { data, height, width } = await decodeLabelPng(bytes(item.png), item.name);
  expect([height, width]).toEqual([item.height, item.width]);
  expect(new Uint8Array(data)).toEqual(bytes(item.ids));
});

test("the size is read without decoding", async () => {
  const path = await write(join(folder, "start.png"), bytes(reference.labels[0]?.png as string).subarray(0, 33));
  expect(await labelPngSize(path)).toEqual({ height: 9, width: 13 });
  await expect(readLabelPng(path)).rejects.toThrow("start.png: it ends before its last part");
});

describe("refused, naming the file", () => {
  const grey = (): Sharp => sharp({ create: { width: 8, height: 8, channels: 3, background: "#102030" } });
  test.each([
    [
      "16 bits",
      () => grey().toColourspace("grey16").png().toBuffer(),
      "expected label ids of 8 bits, got 16 bits; save the ids as an 8-bit grey PNG",
    ],
    ["colours", () => grey().png().toBuffer(), "expected one id for each pixel: grey or a palette, got colours (RGB)"],
    ["transparency", () => grey().ensureAlpha().png().toBuffer(), "got colours with transparency (RGBA)"],
    ["JPEG, which changes ids", () => grey().jpeg().toBuffer(), "expected a PNG of label ids, got something else"],
    ["an empty file", async () => Buffer.alloc(0), "got an empty file"],
  ])("%s", async (_, make, message) => {
    const error = decodeLabelPng(await make(), "a.png");
    await expect(error).rejects.toThrow(message);
    await expect(error).rejects.toThrow(/^a\.png: /);
  });

  test.each([20, 40, 100])("a file cut off after %i bytes", async (length) => {
    const whole = bytes(reference.labels[0]?.png as string);
    await expect(decodeLabelPng(whole.subarray(0, length), "cut.png")).rejects.toThrow(
      /^cut\.png: .*truncated or corrupt/,
    );
  });

  test("pixels that are missing inside an intact frame", async () => {
    const png = Buffer.from(
      await sharp(Buffer.alloc(64 * 64, 3), { raw: { width: 64, height: 64, channels: 1 } })
        .png()
        .toBuffer(),
    );
    // Twice the height that the data have; the frame of the file stays valid, as its header is written anew.
    png.writeUInt32BE(128, 20);
    await expect(decodeLabelPng(png, "short.png")).rejects.toThrow(/^short\.png: /);
  });

  test("a damaged byte among the pixels", async () => {
    const png = Buffer.from(bytes(reference.labels[0]?.png as string));
    const data = png.indexOf("IDAT") + 20;
    png[data] = (png[data] as number) ^ 0xff;
    await expect(decodeLabelPng(png, "bent.png")).rejects.toThrow(/^bent\.png: the labels cannot be decoded/);
  });
});
