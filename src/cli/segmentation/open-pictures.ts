import {
  decodeImageFile,
  imageEndings,
  openSegmentation,
  type Scene,
  segmentationKinds,
  voidLabel,
} from "../../data/index.js";
import { withChannels } from "../../data/planes.js";
import { ShapeError } from "../../errors.js";
import type { ScenesToRun } from "../../guard/segmentation/index.js";
import { openImages } from "../open-images.js";

/** Images of any size, by the path they are from. */
export interface Pictures extends ScenesToRun {
  describe(index: number): string;
}

/** Image files, one folder, or a segmentation dataset; labels do not count. */
export async function openPictures(texts: readonly string[]): Promise<Pictures> {
  const [only = "", ...others] = texts;
  if (others.length === 0 && segmentationKinds.some((kind) => only.startsWith(`${kind}:`)))
    return openSegmentation(only);
  const images = await openImages(texts);
  const places = Array.from({ length: images.length }, (_, index) => images.describe(index));
  const stray = places.find((place) => !imageEndings.test(place));
  if (stray !== undefined) {
    throw new ShapeError({
      where: stray,
      expected: "an image file, which has a size of its own",
      received: "part of another file",
      hint: "give image files, a folder of them, or a segmentation dataset",
    });
  }
  return {
    name: images.name,
    length: places.length,
    describe: (index) => places[index] as string,
    readOne: (index) => readPicture(places[index] as string),
  };
}

async function readPicture(path: string): Promise<Scene> {
  const picture = await decodeImageFile(path);
  const coloured = withChannels(picture, 3);
  if (coloured === undefined) {
    throw new ShapeError({ where: path, expected: "a grey or colour image", received: `${picture.shape[0]} channels` });
  }
  const [, height, width] = coloured.shape;
  return {
    ...{ height, width, image: coloured.data as Uint8Array },
    labels: new Uint8Array(height * width).fill(voidLabel),
  };
}
