export {
  anomalyMask,
  type EvaluatedImage,
  type EvaluateSegmentationOptions,
  evaluateSegmentation,
  type PixelCurves,
  type PixelRow,
  type SegmentationEvaluation,
} from "./evaluate-segmentation.js";
export { type RateScale, rarest, rateScale, scaleSteps, stepsOf } from "./rate-scale.js";
