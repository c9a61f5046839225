import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { decodeImage } from "./decode.js";
import { withChannels } from "./planes.js";

const noise = (channels: 1 | 3 | 4): Buffer =>
  Buffer.from(Uint8Array.from({ length: 16 * 12 * channels }, (_, at) => (at * 73) % 256));
const image = (channels: 1 | 3 | 4): Sharp => sharp(noise(channels), { raw: { width: 16, height: 12, channels } });
const planes = (channels: 3 | 4): Uint8Array => {
  const source = noise(channels);
  return Uint8Array.from(
    { length: 3 * 192 },
    (_, at) => source[(at % 192) * channels + Math.floor(at / 192)] as number,
  );
};

describe("every format gives red, green and blue planes", () => {
  test.each([
    ["PNG", image(3).png()],
    ["WebP", image(3).webp({ lossless: true })],
    ["TIFF", image(3).tiff({ compression: "lzw" })],
  ])("%s, to the bit", async (name, encoder) => {
    const { data, shape } = await decodeImage(await encoder.toBuffer(), name);
    expect(shape).toEqual([3, 12, 16]);
    expect(new Uint8Array(data)).toEqual(planes(3));
  });

  test.each([
    ["JPEG", "jpeg"],
    ["GIF", "gif"],
    ["AVIF", "avif"],
  ] as const)("%s, close to the colour put in", async (name, format) => {
    const one = sharp({ create: { width: 16, height: 8, channels: 3, background: { r: 200, g: 100, b: 20 } } });
    const { data, shape } = await decodeImage(await one.toFormat(format).toBuffer(), name);
    expect(shape).toEqual([3, 8, 16]);
    for (const [channel, expected] of [200, 100, 20].entries()) {
      expect(Math.abs((data[channel * 128 + 60] as number) - expected)).toBeLessThanOrEqual(3);
    }
  });
});

test("transparency is dropped and the colours beneath kept, as Pillow does", async () => {
  const { data } = await decodeImage(await image(4).png().toBuffer(), "rgba");
  expect(new Uint8Array(data)).toEqual(planes(4));
});

test("AVIF is AVIF, also where it is called an image of any codec first", async () => {
  const bytes = await image(3).avif().toBuffer();
  expect(bytes.toString("latin1", 8, 12)).toBe("avif");
  expect(bytes.toString("latin1", 16, bytes.readUInt32BE(0))).toContain("avif");
  bytes.write("mif1", 8, "latin1");
  expect((await decodeImage(bytes, "mif1")).shape).toEqual([3, 12, 16]);
});

test("transparent pixels of GIFs are black, whatever their colour in the palette", async () => {
  const clear = sharp({
    create: { width: 8, height: 8, channels: 4, background: { r: 200, g: 100, b: 20, alpha: 0 } },
  });
  const bytes = await clear.gif().toBuffer();
  // The palette starts at byte 13.
  bytes.set([200, 100, 20], 13);
  const { data } = await decodeImage(bytes, "clear");
  expect(new Set(data)).toEqual(new Set([0]));
});

test("grey images are grey in every channel", async () => {
  const picture = await decodeImage(await image(1).png().toBuffer(), "grey");
  const { data } = withChannels(picture, 3) ?? { data: new Uint8Array() };
  expect(new Uint8Array(data)).toEqual(Uint8Array.from(Buffer.concat([noise(1), noise(1), noise(1)])));
});

test("CMYK becomes colours, not ink", async () => {
  const red = sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 230, g: 20, b: 20 } } });
  const bytes = await red.toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer();
  expect((await sharp(bytes).metadata()).space).toBe("cmyk");
  const { data, shape } = await decodeImage(bytes, "cmyk");
  expect(shape).toEqual([3, 8, 8]);
  expect(data[30]).toBeGreaterThan(180);
  expect(data[64 + 30]).toBeLessThan(80);
});

test("the orientation that EXIF asks for is applied", async () => {
  const half = Buffer.alloc(16 * 8 * 3);
  half.fill(255, 0, 16 * 4 * 3);
  const lying = sharp(half, { raw: { width: 16, height: 8, channels: 3 } });
  // 6: the top of the stored image belongs at the right.
  const { data, shape } = await decodeImage(await lying.withMetadata({ orientation: 6 }).png().toBuffer(), "exif");
  expect(shape).toEqual([3, 16, 8]);
  expect([data[0], data[7]]).toEqual([0, 255]);
});

test("a colour profile is ignored, as Pillow does: the stored values count", async () => {
  const colour = sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 200, g: 100, b: 20 } } });
  const bytes = await colour.withIccProfile("p3").png().toBuffer();
  const { data } = await decodeImage(bytes, "p3");
  // In Display P3 the same colour has less red and more blue; applying the profile would bring 20 back.
  expect(data[0]).toBeLessThan(195);
  expect(data[128]).toBeGreaterThan(30);
});

test("16 bits are reduced to 8", async () => {
  const wide = await image(1).toColourspace("grey16").png().toBuffer();
  expect((await sharp(wide).metadata()).depth).toBe("ushort");
  const { data } = await decodeImage(wide, "wide");
  expect(new Uint8Array(data.subarray(0, 192))).toEqual(Uint8Array.from(noise(1)));
});

describe("refused", () => {
  test.each([
    ["an empty file", Buffer.alloc(0), "got an empty file"],
    ["a web page", Buffer.from("<!doctype html><html>"), 'got a text that starts with "<!doctype html><'],
    [
      "an SVG, which can refer to other files",
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      "a text that starts",
    ],
    ["a HEIC photograph", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0"), "got a HEIC photograph; convert it to JPEG"],
    [
      "a HEIC photograph that is called an image of any codec first",
      Buffer.from("\0\0\0\x18ftypmif1\0\0\0\0mif1heic\0\0\0\0metaavif", "latin1"),
      "got a HEIC photograph; convert it to JPEG",
    ],
    ["a film in the same container", Buffer.from("\0\0\0\x14ftypisom\0\0\0\0isom"), "got something else"],
    ["random bytes", Buffer.from("00ff00ff00ff00ff00ff00ff00ff", "hex"), "got something else"],
  ])("%s", async (_, bytes, message) => {
    await expect(decodeImage(bytes, "x.jpg")).rejects.toThrow(message);
  });

  test.each(["png", "jpeg", "webp", "gif", "tiff"] as const)("%s cut off in the middle", async (format) => {
    const bytes = await sharp(Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => (at * at) % 251)), {
      raw: { width: 64, height: 64, channels: 3 },
    })
      .toFormat(format)
      .toBuffer();
    await expect(decodeImage(bytes.subarray(0, bytes.length >> 1), "cut")).rejects.toThrow(
      "cut: the image cannot be decoded",
    );
  });

  test("a small file that claims a huge image, before it is decoded", async () => {
    const bytes = Buffer.from(await image(3).png().toBuffer());
    // Width and height of the header chunk; its check sum is then wrong too, but sizes are looked at first.
    bytes.writeUInt32BE(60_000, 16);
    bytes.writeUInt32BE(60_000, 20);
    await expect(decodeImage(bytes, "bomb.png")).rejects.toThrow(
      "bomb.png: expected at most 100 megapixels, got an image of more; scale it down",
    );
  });
});

test("numbers whose range nobody knows are refused, not taken for black and white", async () => {
  const entry = (tag: number, type: number, value: number) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt16LE(tag, 0);
    bytes.writeUInt16LE(type, 2);
    bytes.writeUInt32LE(1, 4);
    bytes.writeUInt32LE(value, 8);
    return bytes;
  };
  // 2 x 2 grey floats right behind the header: width, height, bits, compression, photometric, offset, samples, rows, bytes, format.
  const pixels = Buffer.from(Float32Array.of(0, 0.25, 0.5, 1).buffer);
  const entries = [
    ...[entry(256, 3, 2), entry(257, 3, 2), entry(258, 3, 32), entry(259, 3, 1), entry(262, 3, 1), entry(273, 4, 8)],
    ...[entry(277, 3, 1), entry(278, 3, 2), entry(279, 4, 16), entry(339, 3, 3)],
  ];
  const header = Buffer.from([0x49, 0x49, 42, 0, 24, 0, 0, 0]);
  const tiff = Buffer.concat([header, pixels, Buffer.from([entries.length, 0]), ...entries, Buffer.alloc(4)]);
  await expect(decodeImage(tiff, "float.tiff")).rejects.toThrow(
    "float.tiff: expected pixels of 8 or 16 bits, got float, whose range is not known",
  );
});
