/** From maps of an image to pictures. */
import sharp from "sharp";
import { outlierLabel, type Size, voidLabel } from "../../data/index.js";
import {
  anomalyColour,
  classColours,
  heatColours,
  knownColour,
  outlineColour,
  type Rgb,
  voidColour,
} from "./colours.js";

/** Pixels [H, W, 3], row by row. */
export interface Picture extends Size {
  readonly data: Uint8Array;
}

/** Planes [3, H, W] as a picture. */
export function photograph(planes: Uint8Array, { height, width }: Size): Picture {
  const area = height * width;
  const data = new Uint8Array(3 * area);
  for (let channel = 0; channel < 3; channel++) {
    for (let at = 0; at < area; at++) data[3 * at + channel] = planes[channel * area + at] as number;
  }
  return { data, height, width };
}

/**
 * Labels or predicted classes in the colours of the classes; anomalies white, void black.
 *
 * @param labels      train ids, 254 or 255, [H, W]
 * @param classNames  undefined for labels that tell no classes: what is no anomaly is then grey
 */
export function labelPicture(labels: Uint8Array, size: Size, classNames: readonly string[] | undefined): Picture {
  const colours = classNames === undefined ? [knownColour] : classColours(classNames);
  return coloured(labels, size, (label) =>
    label === outlierLabel ? anomalyColour : label === voidLabel ? voidColour : (colours[label] ?? voidColour),
  );
}

/**
 * An anomaly map, dark to bright.
 *
 * @param steps     0 to 255, [H, W]
 * @param labels    draws an outline around what they say is an anomaly
 */
export function heatPicture(steps: Uint8Array, size: Size, labels?: Uint8Array): Picture {
  const picture = coloured(steps, size, (step) => heatColours[step] as Rgb);
  if (labels === undefined) return picture;
  const { height, width } = size;
  const isAnomaly = (row: number, column: number) =>
    row >= 0 && row < height && column >= 0 && column < width && labels[row * width + column] === outlierLabel;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (isAnomaly(row, column)) continue;
      const touches =
        isAnomaly(row - 1, column) ||
        isAnomaly(row + 1, column) ||
        isAnomaly(row, column - 1) ||
        isAnomaly(row, column + 1);
      if (touches) picture.data.set(outlineColour, 3 * (row * width + column));
    }
  }
  return picture;
}

function coloured(values: Uint8Array, { height, width }: Size, colourOf: (value: number) => Rgb): Picture {
  const table = Array.from({ length: 256 }, (_, value) => colourOf(value));
  const data = new Uint8Array(3 * values.length);
  for (let at = 0; at < values.length; at++) data.set(table[values[at] as number] as Rgb, 3 * at);
  return { data, height, width };
}

const imageOf = ({ data, height, width }: Picture) => sharp(data, { raw: { height, width, channels: 3 } });

/** A picture as a PNG file. */
export const encodePng = (picture: Picture): Promise<Buffer> =>
  imageOf(picture).png({ compressionLevel: 9 }).toBuffer();

/** Longest side of a picture in a report. */
const largestSide = 720;
/** Quality that keeps a report of a hundred pictures below some megabytes. */
const quality = 78;

/**
 * A picture for a report, at most 720 pixels a side, as a WebP data URI.
 *
 * @param kind  flat pictures of few colours are kept exactly; others may lose a little
 */
export async function webpDataUri(picture: Picture, kind: "flat" | "smooth"): Promise<string> {
  const webp = await imageOf(picture)
    .resize({
      ...{ width: largestSide, height: largestSide, fit: "inside", withoutEnlargement: true },
      kernel: kind === "flat" ? "nearest" : "lanczos3",
    })
    .webp(kind === "flat" ? { lossless: true, effort: 4 } : { quality, effort: 4 })
    .toBuffer();
  return `data:image/webp;base64,${webp.toString("base64")}`;
}
