import { join } from "node:path";
import { anomalyMask } from "../label-map.js";
import { pairLabels, type SceneLayout } from "../scene-files.js";

const labelEnding = /_labels_semantic\.png$/;

/**
 * RoadAnomaly21 and RoadObstacle21 of SegmentMeIfYouCan: `DIR/images/NAME.{jpg,webp,png}` and
 * `DIR/labels_masks/NAME_labels_semantic.png`, labels 0 in-distribution, 1 anomaly, 255 void. Only images with labels count,
 * as those of the test images are not public. Chan et al., "SegmentMeIfYouCan", NeurIPS 2021 datasets track.
 *
 * The benchmark leaves ten of RoadObstacle21's validation images out (`validation_19` and `validation_21` to
 * `validation_29`, for 30 that remain); here every image counts that has labels.
 */
export async function openSmiyc(root: string): Promise<SceneLayout> {
  return {
    map: anomalyMask,
    files: await pairLabels(join(root, "labels_masks"), join(root, "images"), (label) =>
      labelEnding.test(label) ? label.replace(labelEnding, "") : undefined,
    ),
  };
}
