export {
  type EvaluatedImage,
  type EvaluateSegmentationOptions,
  evaluateSegmentation,
  type PixelCurves,
  type PixelRow,
  type SegmentationEvaluation,
} from "./evaluate-segmentation.js";
export type { SegmentMetrics, SegmentResults } from "./judged-segments.js";
export { type RateScale, rarest, rateScale, scaleSteps, stepsOf } from "./rate-scale.js";
export { measureScenePrior, type ScenePriorOptions } from "./scene-prior.js";
export { openTestScenes, type PasteTold, type TestScenes, withObjects } from "./test-scenes.js";
