import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import sharp from "sharp";
import { readScenes } from "../../src/data/segmentation/dataset.js";
import type { OutlierObjects, Scene, SegmentationDataset } from "../../src/data/segmentation/types.js";

/** Made by test/reference/segmentation-data.py. */
export const reference = JSON.parse(
  readFileSync(new URL("../reference/segmentation-data.json", import.meta.url), "utf8"),
) as {
  readonly runs: readonly {
    height: number;
    width: number;
    runs: readonly number[];
    packed: string;
    mask: string;
  }[];
  readonly polygons: readonly { height: number; width: number; points: readonly number[]; mask: string }[];
  readonly labels: readonly { name: string; height: number; width: number; ids: string; png: string }[];
  readonly nearest: readonly {
    source: readonly [number, number];
    target: readonly [number, number];
    input: string;
    output: string;
  }[];
  readonly pastes: readonly {
    scale: number;
    feather: number;
    top: number;
    left: number;
    scene: string;
    labels: string;
    image: string;
    mask: string;
    outImage: string;
    outLabels: string;
  }[];
};

export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

/** NumPy's `packbits` undone. */
export function unpackBits(text: string, count: number): Uint8Array {
  const packed = bytes(text);
  return Uint8Array.from({ length: count }, (_, at) => ((packed[at >> 3] as number) >> (7 - (at % 8))) & 1);
}

/** Writes ids as an 8-bit grey PNG. */
export async function writeLabels(path: string, ids: readonly number[], width: number): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const raw = { width, height: ids.length / width, channels: 1 as const };
  await sharp(Buffer.from(ids), { raw }).toColourspace("b-w").png().toFile(path);
  return path;
}

/** Writes pixels [H, W, C] with 3 or 4 channels as PNG or lossless WebP. */
export async function writePixels(path: string, pixels: Uint8Array, width: number, channels: 3 | 4): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const image = sharp(pixels, { raw: { width, height: pixels.length / width / channels, channels } });
  await (path.endsWith(".webp") ? image.webp({ lossless: true, exact: true }) : image.png()).toFile(path);
  return path;
}

/** Colours [H, W, 3] that differ from pixel to pixel. */
export function noise(height: number, width: number, seed = 1, channels = 3): Uint8Array {
  return Uint8Array.from({ length: height * width * channels }, (_, at) => ((at + seed) * 7919 * (seed + 3)) % 251);
}

/** A scene whose labels are the numbers of its columns, and whose red plane repeats them. */
export function columnScene(height: number, width: number): Scene {
  const labels = Uint8Array.from({ length: height * width }, (_, at) => at % width);
  const image = new Uint8Array(3 * height * width).fill(9);
  image.set(labels);
  return { image, labels, height, width };
}

/** Scenes in memory, called `scene0` and so on, each with its own colours and with labels 0 to 3. */
export function memoryScenes(length: number, height: number, width: number): SegmentationDataset {
  const scenes = Array.from({ length }, (_, index) => ({
    image: noise(height, width, index + 1),
    labels: noise(height, width, index + 1, 1).map((value) => value % 4),
    height,
    width,
  }));
  const readOne = async (index: number): Promise<Scene> => scenes[index] as Scene;
  return {
    spec: "scenes",
    name: "scenes",
    length,
    shape: [3, height, width],
    classNames: ["a", "b", "c", "d"],
    readOne,
    read: (indices) => readScenes(readOne, Array.from(indices), "scenes"),
    imageName: (index) => `scene${index}`,
    describe: (index) => `scene ${index}`,
    fingerprint: async () => `scenes ${length} ${height} ${width}`,
  };
}

/** Objects in memory, called `object0` and so on: filled squares of 3, 4, 5 ... pixels, without their corners. */
export function memoryObjects(length: number): OutlierObjects {
  return {
    spec: "objects",
    name: "objects",
    length,
    async read(index) {
      const side = 3 + index;
      const mask = new Uint8Array(side * side).fill(1);
      for (const corner of [0, side - 1, side * (side - 1), side * side - 1]) mask[corner] = 0;
      return { image: noise(side, side, 50 + index), mask, height: side, width: side };
    },
    objectName: (index) => `object${index}`,
    describe: (index) => `object ${index}`,
    fingerprint: async () => `objects ${length}`,
  };
}
