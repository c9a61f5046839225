import { basename, join } from "node:path";
import { DataError } from "../../../errors.js";
import { anomalyMask } from "../label-map.js";
import { filesBelow, pairFolders, pairLabels, type SceneFile, type SceneLayout, stem } from "../scene-files.js";

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

const released = /^(\d+)_(.+)_labels\.png$/;

/**
 * Fishyscapes, validation, as released: masks `DIR/NUMBER_ID_labels.png` over images `ID_leftImg8bit.png` anywhere below `images`. Those of Lost &
 * Found lie over images of Lost and Found; those of Static over images of Cityscapes, to which the differences `DIR/NUMBER_*_rgb.npz` are added.
 *
 * @throws DataError for a mask without its image, or without its difference where others have one
 */
export async function openFishyscapesRelease(root: string, images: string): Promise<SceneLayout> {
  // Scenes lie in folders of their own; the file names alone are unique.
  const folders = new Map((await filesBelow(images)).map((name) => [stem(basename(name)), stem(name)]));
  const files = await pairLabels(root, images, (label) => {
    const id = released.exec(label)?.[2];
    return id === undefined ? undefined : (folders.get(`${id}_leftImg8bit`) ?? `${id}_leftImg8bit`);
  });
  const overlays = new Map(
    (await filesBelow(root)).flatMap((name) => {
      const number = /^(\d+)_.*rgb\.npz$/.exec(name)?.[1];
      return number === undefined ? [] : [[number, join(root, name)] as const];
    }),
  );
  return { map: anomalyMask, files: overlays.size === 0 ? files : files.map((file) => withOverlay(file, overlays)) };
}

function withOverlay(file: SceneFile, overlays: ReadonlyMap<string, string>): SceneFile {
  const number = released.exec(basename(file.labels))?.[1] as string;
  const overlay = overlays.get(number);
  if (overlay !== undefined) return { ...file, overlay };
  throw new DataError({
    where: file.labels,
    problem: `there is no ${number}_*_rgb.npz beside it, which holds what is added to its image`,
    hint: "the set is incomplete: fetch it again",
  });
}
