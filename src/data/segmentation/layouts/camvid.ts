import { join } from "node:path";
import { labelMap } from "../label-map.js";
import { pairFolders, type SceneLayout, stem } from "../scene-files.js";
import { voidLabel } from "../types.js";

export const camvidSplits = ["train", "val", "test"] as const;

/** The eleven classes of SegNet's version, in the order of their ids; id 11 is void. */
export const camvidClasses = [
  "sky",
  "building",
  "pole",
  "road",
  "pavement",
  "tree",
  "sign",
  "fence",
  "car",
  "pedestrian",
  "bicyclist",
] as const;

/**
 * CamVid with the eleven classes of SegNet: `DIR/{train,val,test}/{images,labels}`, labels as PNG of the same name.
 * Brostow et al., "Semantic object classes in video", Pattern Recognition Letters 2009; Badrinarayanan et al., "SegNet",
 * TPAMI 2017. SegNet's own archive names the folders `train` and `trainannot`: use `pairs:` there.
 */
export async function openCamvid(root: string, split: (typeof camvidSplits)[number]): Promise<SceneLayout> {
  return {
    map: labelMap(
      [...camvidClasses.map((_, id) => [id, id] as const), [camvidClasses.length, voidLabel]],
      camvidClasses,
    ),
    files: await pairFolders({
      images: join(root, split, "images"),
      labels: join(root, split, "labels"),
      labelOf: (image) => `${stem(image)}.png`,
    }),
  };
}
