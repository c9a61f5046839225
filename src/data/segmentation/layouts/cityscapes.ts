import { join } from "node:path";
import { type LabelMap, labelMap } from "../label-map.js";
import { pairFolders, type SceneFile, type SceneLayout } from "../scene-files.js";
import { voidLabel } from "../types.js";

/** The labels of `test` are not public: its files hold void only. */
export const cityscapesSplits = ["train", "val", "test"] as const;

/** Label id and name of the 19 classes that count, in the order of their train ids. */
const classes: readonly (readonly [id: number, name: string])[] = [
  [7, "road"],
  [8, "sidewalk"],
  [11, "building"],
  [12, "wall"],
  [13, "fence"],
  [17, "pole"],
  [19, "traffic light"],
  [20, "traffic sign"],
  [21, "vegetation"],
  [22, "terrain"],
  [23, "sky"],
  [24, "person"],
  [25, "rider"],
  [26, "car"],
  [27, "truck"],
  [28, "bus"],
  [31, "train"],
  [32, "motorcycle"],
  [33, "bicycle"],
];

/** Label ids 0 to 33 as train ids; those of other ids (ego vehicle, parking, caravan and so on) are void. */
export const cityscapesMap: LabelMap = labelMap(
  [
    ...Array.from({ length: 34 }, (_, id) => [id, voidLabel] as const),
    ...classes.map(([id], label) => [id, label] as const),
  ],
  classes.map(([, name]) => name),
);

const imageEnding = /_leftImg8bit\.(?:png|jpg|webp)$/;

/**
 * Cityscapes as it is published: `DIR/leftImg8bit/SPLIT/CITY/*_leftImg8bit.png` and
 * `DIR/gtFine/SPLIT/CITY/*_gtFine_labelIds.png`, label ids mapped to the 19 train ids of the benchmark.
 * Cordts et al., "The Cityscapes Dataset", CVPR 2016; ids as in cityscapesScripts.
 */
export async function openCityscapes(root: string, split: (typeof cityscapesSplits)[number]): Promise<SceneLayout> {
  return { map: cityscapesMap, files: await cityscapesFiles(root, split, "gtFine") };
}

/** Pairs of any set in the layout of Cityscapes. */
export function cityscapesFiles(root: string, split: string, annotation: "gtFine" | "gtCoarse"): Promise<SceneFile[]> {
  return pairFolders({
    images: join(root, "leftImg8bit", split),
    labels: join(root, annotation, split),
    labelOf: (image) =>
      imageEnding.test(image) ? image.replace(imageEnding, `_${annotation}_labelIds.png`) : undefined,
  });
}
