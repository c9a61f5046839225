import { basename, join } from "node:path";
import { DataError } from "../../../errors.js";
import { anomalyMask } from "../label-map.js";
import { filesBelow, pairFolders, pairLabels, type SceneLayout, stem } from "../scene-files.js";

export const fishyscapesSplits = ["Static", "LostAndFound"] as const;

/**
 * Fishyscapes, validation, as prepared for PEBAL and Balanced Energy: `DIR/{Static,LostAndFound}/{original,labels}`, PNGs of
 * the same names, labels 0 in-distribution, 1 anomaly, 255 void. (The folder `labels_with_ROI` beside them is not used.)
 * Blum et al., "The Fishyscapes Benchmark", IJCV 2021. Static has three published versions, blended differently; which
 * one a folder holds cannot be told from it.
 */
export async function openFishyscapes(root: string, split: (typeof fishyscapesSplits)[number]): Promise<SceneLayout> {
  return {
    map: anomalyMask,
    files: await pairFolders({
      images: join(root, split, "original"),
      labels: join(root, split, "labels"),
      labelOf: (image) => `${stem(image)}.png`,
    }),
  };
}

const released = /^\d+_(.+)_labels\.png$/;

/**
 * The masks of Fishyscapes Lost & Found as they are released, `DIR/NUMBER_ID_labels.png`, over the images of Lost and Found,
 * `ID_leftImg8bit.png` anywhere below `images`.
 *
 * The release of Static holds differences to Cityscapes images (`*_rgb.npz`) instead of images, which are not read here.
 *
 * @throws DataError for the release of Static
 */
export async function openFishyscapesRelease(root: string, images: string): Promise<SceneLayout> {
  const overlay = (await filesBelow(root)).find((name) => name.endsWith("_rgb.npz"));
  if (overlay !== undefined) {
    throw new DataError({
      where: join(root, overlay),
      problem: "Fishyscapes Static is released as differences to Cityscapes images, which are not read",
      hint: "add each to its image, save the sums as PNG in Static/original and the masks in Static/labels, and use split=Static",
    });
  }
  // Scenes lie in folders of their own; the file names alone are unique.
  const folders = new Map((await filesBelow(images)).map((name) => [stem(basename(name)), stem(name)]));
  return {
    map: anomalyMask,
    files: await pairLabels(root, images, (label) => {
      const id = released.exec(label)?.[1];
      return id === undefined ? undefined : (folders.get(`${id}_leftImg8bit`) ?? `${id}_leftImg8bit`);
    }),
  };
}
