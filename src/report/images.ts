import sharp from "sharp";
import { DataError } from "../errors.js";
import type { ReportImage } from "./types.js";

/** Larger images are made smaller: the report shows them at 96 pixels, twice that is sharp on any screen. */
const largestSide = 192;

/**
 * An image as a PNG data URI, at its own size up to 192 pixels a side.
 *
 * @throws DataError when the pixels do not have the size the image claims
 */
export async function pngDataUri({ data, width, height, channels }: ReportImage): Promise<string> {
  if (![1, 3, 4].includes(channels) || data.length !== width * height * channels || data.length === 0) {
    throw new DataError({
      where: "image of a report",
      expected: "height x width x channels bytes, with 1, 3 or 4 channels",
      received: `${data.length} bytes for ${height} x ${width} x ${channels}`,
    });
  }
  const png = await sharp(data, { raw: { width, height, channels: channels as 1 | 3 | 4 } })
    .resize({ width: largestSide, height: largestSide, fit: "inside", withoutEnlargement: true })
    .png({ compressionLevel: 9 })
    .toBuffer();
  return `data:image/png;base64,${png.toString("base64")}`;
}
