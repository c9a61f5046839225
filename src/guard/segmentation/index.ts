// Scores of pixels: on top of a segmentation network, fitted, and in files.
export {
  type AnomalyModelOptions,
  anomalyMapOutput,
  anomalyMaskOutput,
  anomalyModel,
  type DescribedAnomalies,
  describedAnomalies,
  isAnomalyModel,
} from "./anomaly-model.js";
export {
  asPixelCalibration,
  type CalibratePixelsOptions,
  calibratePixels,
  checkPixelCalibration,
  type PixelCalibration,
} from "./calibrate-pixels.js";
export { refuseNotFinite } from "./finite-scores.js";
export { type FitPixelOptions, fitPixelScores } from "./fit-pixel-scores.js";
export { pixelModel, predictedOutput } from "./pixel-graph.js";
export { classesOf, inputSize, pixelShapes } from "./pixel-network.js";
export {
  asPixelPart,
  checkPixelPart,
  encodePixelPart,
  isPixelPart,
  type PixelPart,
  pixelOptionsOf,
  pixelScoreNeedsFit,
  pixelScoreNeedsOutliers,
  readyPixelPart,
} from "./pixel-part.js";
export { type RunScenesOptions, runScenes, type SceneOutputs, type ScenesToRun } from "./pixel-runner.js";
export { type FlaggedScene, runAnomalyModel } from "./run-anomaly-model.js";
export { type ScoredScene, type ScoreScenesOptions, scoreScenes } from "./score-scenes.js";
export { type PixelScoreDefinition, type PixelScoreName, pixelScores } from "./scores/index.js";
export { type FitSegmentOptions, type FittedSegments, fitSegments, segmentMaps } from "./segments/fit-segments.js";
export { type SegmentMaps, type Segments, segmentFeatureNames, segmentsOf } from "./segments/segment-features.js";
export {
  checkSegmentJudge,
  decodeSegmentJudge,
  encodeSegmentJudge,
  type JudgedMap,
  judgeSegments,
  probabilitiesOutput,
  type SegmentJudge,
  withProbabilities,
} from "./segments/segment-judge.js";
