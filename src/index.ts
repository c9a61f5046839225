// What most programs need; every layer has an entry of its own, such as `offmap/losses`.
export { evaluate, evaluateSegmentation, scoreImages } from "./benchmarks/index.js";
export { openDataset, openOutlierObjects, openSegmentation, parseNormalization } from "./data/index.js";
export * from "./errors.js";
export { anomalyModel, calibrate, fitPixelScores, fitScores, guardedModel } from "./guard/index.js";
export { losses } from "./losses/index.js";
export { detectionMetrics } from "./metrics/index.js";
export { architectures, createModel, createSegmentationModel, segmentationArchitectures } from "./nn/index.js";
export { readModel, writeModel } from "./onnx/index.js";
export { renderReport, writeReport } from "./report/index.js";
export { createEngine } from "./runtime/index.js";
export { scores } from "./scores/index.js";
export {
  asClassifier,
  measurePixelPrior,
  measurePrior,
  train,
  trainSegmentation,
  tune,
  tuneSegmentation,
} from "./training/index.js";
