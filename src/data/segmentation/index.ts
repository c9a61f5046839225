export { augmentScene, type SceneAugmentation } from "./augment-scene.js";
export { batchScenes } from "./dataset.js";
export { countDatasetLabels, countLabels, requireAnomalies } from "./label-counts.js";
export { camvidClasses } from "./layouts/camvid.js";
export { cityscapesCategories } from "./objects/coco.js";
export { openOutlierObjects } from "./objects/open.js";
export { type OpenSegmentationOptions, openSegmentation, segmentationKinds } from "./open.js";
export { type PasteOptions, type Placement, pasteOutlier, placeOutlier } from "./paste.js";
export {
  type PastedDataset,
  type PastePlan,
  pastedDataset,
  planPastes,
  readPastePlan,
  writePastePlan,
} from "./pasted-set.js";
export { pixelKinds } from "./pixel-kinds.js";
export { type SampledScenes, type SceneSampler, type SceneSamplerOptions, sceneSampler } from "./sampler.js";
export {
  type OutlierObject,
  type OutlierObjects,
  outlierLabel,
  type Scene,
  type SceneBatch,
  type SegmentationDataset,
  type Size,
  voidLabel,
} from "./types.js";
