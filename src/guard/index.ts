// Scores of a deployed model: fitted, calibrated, and put into its file.
export { asCalibration, type CalibrateOptions, type Calibration, calibrate } from "./calibrate.js";
export { combineScores } from "./combine.js";
export { type DropoutOptions, dropoutEnsemble } from "./dropout-ensemble.js";
export { ensembleModel } from "./ensemble.js";
export { type Features, findFeatures } from "./features.js";
export { type FitOptions, fitScores } from "./fit-scores.js";
export { calibratedResize, decisionOutput, type GuardOptions, guardedModel, pValueOutput } from "./guarded-model.js";
export { outputPart } from "./output-part.js";
export { isOutputScore, type OutputScoreName, outputScoreNames } from "./output-scores.js";
export { imagesInput } from "./preprocess.js";
export { type GuardedImage, isGuarded, preprocesses, runGuarded } from "./run-guarded.js";
export { type ScoredDataset, scoreDataset } from "./score-dataset.js";
export {
  asPart,
  type FittedTo,
  needsFit,
  optionsOf,
  type PartName,
  readyPart,
  type ScorePart,
  scoreOutput,
} from "./score-part.js";
export * from "./segmentation/index.js";
