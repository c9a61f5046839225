import sharp from "sharp";
import { DataError } from "../errors.js";
import { readWholeFile } from "./files.js";
import { toPlanes } from "./planes.js";
import type { Picture } from "./types.js";

/** Endings of files that are taken for images when a folder is read. */
export const imageEndings = /\.(?:jpe?g|jpe|jfif|png|webp|gif|tiff?|avif)$/i;

/** Larger images are refused before they are decoded: 100 megapixels need 300 MB. */
const mostPixels = 100_000_000;
const mostFileBytes = 2 ** 28;
/** As much of a file as tells its format: the brands of AVIF files take 4 bytes each, and there are hardly ten. */
const startBytes = 256;

const isTiff = (bytes: Buffer): boolean =>
  ["II*\0", "MM\0*", "II+\0", "MM\0+"].includes(bytes.toString("latin1", 0, 4));

const formats: readonly { readonly name: string; readonly matches: (bytes: Buffer) => boolean }[] = [
  { name: "JPEG", matches: (bytes) => bytes.readUIntBE(0, 3) === 0xffd8ff },
  { name: "PNG", matches: (bytes) => bytes.readUInt32BE(0) === 0x89504e47 },
  { name: "GIF", matches: (bytes) => bytes.toString("latin1", 0, 4) === "GIF8" },
  {
    name: "WebP",
    matches: (bytes) => bytes.toString("latin1", 0, 4) === "RIFF" && bytes.toString("latin1", 8, 12) === "WEBP",
  },
  { name: "TIFF", matches: isTiff },
  { name: "AVIF", matches: (bytes) => brandsOf(bytes).some((brand) => /^avi[fs]$/.test(brand)) },
];

/**
 * Decodes an image file to three planes of 8 bits, red, green and blue (one plane for grey images).
 *
 * As Pillow's `convert("RGB")` does, transparency is dropped (the colours beneath are kept) and colour profiles of RGB
 * and grey images are ignored. Unlike plain Pillow, the orientation that EXIF asks for is applied, 16-bit images are
 * reduced to 8 bits, CMYK goes through a colour profile, and transparent pixels of GIFs become black: the decoder does not
 * tell their colour in the palette. Of animations and multi-page files the first picture counts.
 *
 * @throws DataError naming the file, when it is no image of a known format, is truncated or corrupt, or has over 100
 *   megapixels
 */
export async function decodeImageFile(path: string): Promise<Picture> {
  return decodeImage(await readWholeFile(path, mostFileBytes), path);
}

/** Whole numbers of 8 and 16 bits have a range that says what is white; others, which TIFF knows, have none. */
async function checkDepth(bytes: Uint8Array, where: string): Promise<void> {
  const { depth } = await sharp(bytes, { limitInputPixels: mostPixels }).metadata();
  if (depth === "uchar" || depth === "ushort") return;
  throw new DataError({
    where,
    expected: "pixels of 8 or 16 bits",
    received: `${depth}, whose range is not known`,
    hint: "save it with 8 or 16 bits, or as NPY with numbers from 0 to 1",
  });
}

/** {@link decodeImageFile} for bytes in memory. */
export async function decodeImage(bytes: Uint8Array, where: string): Promise<Picture> {
  const start = Buffer.from(bytes.subarray(0, startBytes));
  // Checked here, because the decoder would also take SVG and other formats that have no place in a dataset.
  if (start.length < 12 || !formats.some(({ matches }) => matches(start))) {
    throw new DataError({
      where,
      expected: `a ${formats.map(({ name }) => name).join(", ")} image`,
      received: describeStart(start),
      hint: isHeic(start) ? "convert it to JPEG" : "replace or remove the file",
    });
  }
  try {
    if (isTiff(start)) await checkDepth(bytes, where);
    const { data, info } = await sharp(bytes, { limitInputPixels: mostPixels, failOn: "error", ignoreIcc: true })
      .autoOrient()
      .toColourspace("srgb")
      .removeAlpha()
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const picture: Picture = { data, shape: [info.channels, info.height, info.width] };
    return info.channels === 1 ? picture : toPlanes(picture);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    if (/exceeds pixel limit/.test((cause as Error).message)) {
      throw new DataError({
        where,
        expected: `at most ${mostPixels / 1e6} megapixels`,
        received: "an image of more",
        hint: "scale it down or remove the file",
        cause,
      });
    }
    throw new DataError({
      where,
      problem: `the image cannot be decoded (${(cause as Error).message.split("\n")[0]})`,
      hint: "it is truncated or corrupt: replace or remove the file",
      cause,
    });
  }
}

/** What AVIF files and others in the same container say they are: the main brand, and those that they conform to. */
function brandsOf(start: Buffer): string[] {
  if (start.toString("latin1", 4, 8) !== "ftyp") return [];
  const brands = start.toString("latin1", 8, start.readUInt32BE(0)).match(/.{4}/gs) ?? [];
  // After the main brand comes its version.
  return brands.filter((_, place) => place !== 1);
}

/** Photographs of phones, in the container of AVIF: with `mif1` as their main brand they differ in the others only. */
const isHeic = (start: Buffer): boolean => brandsOf(start).some((brand) => /^he(?:ic|ix|im|is|vc|vx)$/.test(brand));

function describeStart(start: Buffer): string {
  if (start.length === 0) return "an empty file";
  if (isHeic(start)) return "a HEIC photograph";
  const text = start.toString("latin1", 0, 16);
  return /^[\x20-\x7e\s]+$/.test(text) ? `a text that starts with ${JSON.stringify(text)}` : "something else";
}
