import { FormatError } from "../../errors.js";
import { type DatasetOptions, ignoresLabels } from "../dataset-options.js";
import { hashFiles, imageInFile, readClassNames } from "../files.js";
import { readLabelArray } from "../labels.js";
import { npyNumbers, readNpy, readNpyHeader, viewElements } from "../npy.js";
import { toPlanes } from "../planes.js";
import { openRecords } from "../records.js";
import type { ImageShape, ImageSource, Picture } from "../types.js";

type Layout = "nhwc" | "nchw" | "nhw";

/** Channels that images of an array may have; 4 would be an alpha channel, which says nothing about its background. */
const channelCounts = [1, 3];

/**
 * Images in an NPY array: uint8, or float32 in [0, 1]; `[N, H, W, C]`, `[N, C, H, W]` or `[N, H, W]`. The axis of 1 or 3
 * is the channels; where both the second and the last are, `layout=nhwc|nchw` decides. Labels, where given, are an NPY
 * array of N integers. Floats are checked when they are read. Class names are those of `NAME.classes.txt` beside the
 * images.
 */
export async function openNpyImages(paths: readonly string[], options: DatasetOptions): Promise<ImageSource> {
  const [path, labelPath, ...more] = paths;
  if (path === undefined || more.length > 0) {
    throw new FormatError({ where: "npy", expected: "IMAGES or IMAGES,LABELS", received: `${paths.length} files` });
  }
  const { shape: axes, type, elementBytes, start } = await readNpyHeader(path);
  if (type !== "u1" && type !== "f4") {
    throw new FormatError({
      where: path,
      expected: "images in uint8 (0 to 255) or float32 (0 to 1)",
      received: type,
      hint: 'convert with array.astype("uint8") or ("float32")',
    });
  }
  const layout = layoutOf(axes, options.layout, path);
  const [count = 0, ...rest] = axes;
  const shape: ImageShape = shapeOf(rest, layout);
  const [channels, height, width] = shape;
  const pixels = channels * height * width;
  if (count === 0 || pixels === 0) {
    throw new FormatError({ where: path, expected: "at least one image", received: `an array of ${axes.join(" x ")}` });
  }
  const records = await openRecords({ path, start, recordBytes: pixels * elementBytes, count });
  const labels =
    labelPath === undefined || ignoresLabels(options)
      ? undefined
      : readLabelArray(npyNumbers(await readNpy(labelPath)), labelPath, count, path);
  const classNames = await readClassNames(path);
  return {
    length: count,
    shape,
    ...(labels === undefined ? {} : { labels }),
    ...(classNames === undefined ? {} : { classNames }),
    decodes: false,
    async pictures(indices) {
      const read = await records.read(indices);
      return read.map((record, place) => {
        const data = type === "u1" ? record : (viewElements(record, "f4") as Float32Array);
        if (data instanceof Float32Array) checkFloats(data, imageInFile(path, indices[place] as number));
        const picture: Picture = { data, shape };
        return layout === "nhwc" && channels > 1 ? toPlanes(picture) : picture;
      });
    },
    describe: (index) => imageInFile(path, index),
    hash: () => hashFiles(labelPath === undefined ? [path] : [path, labelPath]),
  };
}

function layoutOf(axes: readonly number[], wanted: "nhwc" | "nchw" | undefined, path: string): Layout {
  if (axes.length === 3 && wanted !== undefined) {
    throw new FormatError({
      where: path,
      expected: `four axes, as layout=${wanted} says`,
      received: `an array of ${axes.join(" x ")}`,
      hint: "leave layout out for grey images [N, H, W]; save a single colour image as array[None]",
    });
  }
  const [, height = 0, last] = axes;
  // Grey images 3 pixels wide and 8 or more high are not what anyone means, and can be written with a channel axis.
  if (axes.length === 3 && last === 3 && height >= 8) {
    throw new FormatError({
      where: path,
      problem: `an array of ${axes.join(" x ")} looks like a single colour image`,
      hint: "save it as array[None], or grey images 3 pixels wide as array[..., None]",
    });
  }
  if (axes.length === 3) return "nhw";
  const received = `an array of ${axes.join(" x ") || "one element"}`;
  if (axes.length !== 4) {
    throw new FormatError({ where: path, expected: "images as [N, H, W, C], [N, C, H, W] or [N, H, W]", received });
  }
  const fits = { nchw: channelCounts.includes(axes[1] as number), nhwc: channelCounts.includes(axes[3] as number) };
  if (wanted !== undefined && fits[wanted]) return wanted;
  if (wanted !== undefined || (!fits.nchw && !fits.nhwc)) {
    throw new FormatError({
      where: path,
      expected: `1 or 3 channels${wanted === undefined ? "" : ` in ${wanted}`}`,
      received,
    });
  }
  if (fits.nchw && fits.nhwc) {
    throw new FormatError({
      where: path,
      problem: `${received} can have its channels second or last`,
      hint: "add ?layout=nchw or ?layout=nhwc",
    });
  }
  return fits.nchw ? "nchw" : "nhwc";
}

function shapeOf(rest: readonly number[], layout: Layout): ImageShape {
  const [one = 0, two = 0, three = 0] = rest;
  if (layout === "nhw") return [1, one, two];
  return layout === "nchw" ? [one, two, three] : [three, one, two];
}

function checkFloats(data: Float32Array, where: string): void {
  for (let at = 0; at < data.length; at++) {
    const value = data[at] as number;
    // Written so that NaN fails too.
    if (!(value >= 0 && value <= 1)) {
      throw new FormatError({
        where,
        expected: "pixels from 0 to 1",
        received: String(value),
        hint: "divide pixels of 0 to 255 by 255, and do not normalize before saving",
      });
    }
  }
}
