import { createHash } from "node:crypto";
import { DataError, ShapeError } from "../../errors.js";
import { checkIndices } from "../dataset.js";
import { decodeImageFile } from "../decode.js";
import { hashFiles } from "../files.js";
import { decodedImages } from "../memory-budget.js";
import { withChannels } from "../planes.js";
import type { ImageShape } from "../types.js";
import { keeping } from "./kept.js";
import { applyLabelMap, type LabelMap } from "./label-map.js";
import { labelPngSize, readLabelPng } from "./label-png.js";
import { scaledSize } from "./options.js";
import { addOverlay } from "./overlay.js";
import { resizeScene } from "./resize-scene.js";
import type { SceneFile } from "./scene-files.js";
import type { Scene, SceneBatch, SegmentationDataset, Size } from "./types.js";

export interface SceneFilesOptions {
  readonly spec: string;
  readonly name: string;
  readonly files: readonly SceneFile[];
  readonly map: LabelMap;
  /** Size that scenes are brought to. */
  readonly size?: Size;
  /** Factor that scenes are scaled by; without effect beside `size`. */
  readonly scale?: number;
}

/**
 * A dataset over pairs of files. The headers of the label files are read at once, to know whether the images are of one
 * size; everything else when it is wanted. Scenes stay in memory as far as {@link decodedImages} reaches.
 *
 * @throws FormatError for a label file that is no PNG of 8-bit ids
 */
export async function sceneFilesDataset(options: SceneFilesOptions): Promise<SegmentationDataset> {
  const { spec, name, files, map, size: wanted, scale = 1 } = options;
  const file = (index: number): SceneFile => files[index] as SceneFile;
  const sizeOf = (size: Size): Size => wanted ?? scaledSize(size, scale);
  const shape = wanted === undefined ? await commonShape(files, sizeOf) : shapeOf(wanted);
  const scene = keeping(
    async (index) => {
      const read = await readScene(file(index), map);
      return resizeScene(read, sizeOf(read));
    },
    decodedImages.store(({ height, width }: Scene) => 4 * height * width),
  );
  const readOne = async (index: number): Promise<Scene> => {
    const [checked] = checkIndices([index], files.length, spec);
    return scene(checked as number);
  };
  return {
    spec,
    name,
    length: files.length,
    ...(shape === undefined ? {} : { shape }),
    ...(map.classNames === undefined ? {} : { classNames: map.classNames }),
    ...(map.allClasses === undefined ? {} : { allClasses: map.allClasses }),
    readOne,
    read: async (indices) => readScenes(readOne, checkIndices(indices, files.length, spec), spec),
    imageName: (index) => file(index).name,
    describe: (index) => file(index).image,
    async fingerprint() {
      const hash = createHash("sha256").update(await hashFiles(files.flatMap(filesOf)));
      hash.update(JSON.stringify({ size: wanted ?? null, scale, length: files.length }));
      return hash.update(map.table).digest("hex");
    },
  };
}

/**
 * Scenes read one by one as a batch, in their order.
 *
 * @throws ShapeError when they differ in size
 */
export async function readScenes(
  readOne: (index: number) => Promise<Scene>,
  indices: readonly number[],
  where: string,
): Promise<SceneBatch> {
  return batchScenes(await Promise.all(indices.map(readOne)), where);
}

/** Scenes as a batch; errors as {@link readScenes}. */
export function batchScenes(scenes: readonly Scene[], where: string): SceneBatch {
  const { height, width } = scenes[0] ?? { height: 0, width: 0 };
  const pixels = height * width;
  const data = new Uint8Array(scenes.length * 3 * pixels);
  const labels = new Uint8Array(scenes.length * pixels);
  scenes.forEach((scene, place) => {
    if (scene.height !== height || scene.width !== width) {
      throw new ShapeError({
        where,
        expected: `images of one size, ${width} x ${height} as the first of the batch`,
        received: `${scene.width} x ${scene.height}`,
        hint: "read them one by one, or bring them to a size with size=HEIGHTxWIDTH",
      });
    }
    data.set(scene.image, place * 3 * pixels);
    labels.set(scene.labels, place * pixels);
  });
  return { images: { data, count: scenes.length, shape: [3, height, width] }, labels };
}

const filesOf = ({ image, labels, overlay }: SceneFile): string[] =>
  overlay === undefined ? [image, labels] : [image, labels, overlay];

async function readScene({ image, labels, overlay }: SceneFile, map: LabelMap): Promise<Scene> {
  const [picture, ids] = await Promise.all([decodeImageFile(image), readLabelPng(labels)]);
  const [channels, height, width] = picture.shape;
  if (height !== ids.height || width !== ids.width) {
    throw new DataError({
      where: labels,
      expected: `labels of ${width} x ${height} pixels, as ${image} has`,
      received: `${ids.width} x ${ids.height}`,
    });
  }
  const coloured = withChannels(picture, 3);
  if (coloured === undefined) {
    throw new ShapeError({ where: image, expected: "a grey or colour image", received: `${channels} channels` });
  }
  if (overlay !== undefined) await addOverlay(coloured, overlay);
  return { image: coloured.data as Uint8Array, labels: applyLabelMap(map, ids, labels), height, width };
}

/** Headers that are read at once. */
const concurrency = 64;

async function commonShape(files: readonly SceneFile[], sizeOf: (size: Size) => Size): Promise<ImageShape | undefined> {
  const found = new Map<string, Size>();
  for (let start = 0; start < files.length; start += concurrency) {
    const some = files.slice(start, start + concurrency);
    for (const size of await Promise.all(some.map(async ({ labels }) => sizeOf(await labelPngSize(labels))))) {
      found.set(`${size.height} ${size.width}`, size);
    }
  }
  const [first, second] = found.values();
  return first !== undefined && second === undefined ? shapeOf(first) : undefined;
}

function shapeOf({ height, width }: Size): ImageShape {
  return [3, height, width];
}
