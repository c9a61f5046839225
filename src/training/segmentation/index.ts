export { confusionOf } from "./mean-iou.js";
export { measurePixelPrior } from "./measure-pixels.js";
export { outlierOutput } from "./outlier-head.js";
export type { TrunkStatistics } from "./pixel-plan.js";
export { predictScenes, ScenePredictor, scenesPerRun } from "./scene-predictor.js";
export {
  paperSegmentation,
  type SegmentationOptions,
  type SegmentationResult,
  type TrainSegmentationOptions,
  type TuneSegmentationOptions,
} from "./segmentation-options.js";
export { asSegmenter, type Segmenter, type Task, taskOf } from "./segmenter.js";
export { trainSegmentation } from "./train-segmentation.js";
export { tuneSegmentation } from "./tune-segmentation.js";
