import { labelMap } from "../label-map.js";
import type { SceneLayout } from "../scene-files.js";
import { outlierLabel, voidLabel } from "../types.js";
import { cityscapesFiles } from "./cityscapes.js";

export const lostAndFoundSplits = ["train", "test"] as const;

/** Ids of obstacles; the set uses 2 to 43. */
const obstacles = { first: 2, last: 200 };

/**
 * Lost and Found as it is published, in the layout of Cityscapes with coarse labels:
 * `DIR/leftImg8bit/SPLIT/SCENE/*_leftImg8bit.png` and `DIR/gtCoarse/SPLIT/SCENE/*_gtCoarse_labelIds.png`.
 * Pinggera et al., "Lost and Found", IROS 2016.
 *
 * Ids as in the SegmentMeIfYouCan benchmark: 0 (everything off the free road) is void, 1 (free road) in-distribution, 2 to
 * 200 anomalies. The set's own train ids differ: they count flat objects such as lying posts (31, 33, 34, 36 to 39) as
 * void. The benchmark also leaves out 6 and 17 frames without any label, which hold void only and so change nothing here.
 */
export async function openLostAndFound(root: string, split: (typeof lostAndFoundSplits)[number]): Promise<SceneLayout> {
  const ids = Array.from({ length: obstacles.last - obstacles.first + 1 }, (_, place) => obstacles.first + place);
  return {
    map: labelMap([[0, voidLabel], [1, 0], ...ids.map((id) => [id, outlierLabel] as const)]),
    files: await cityscapesFiles(root, split, "gtCoarse"),
  };
}
