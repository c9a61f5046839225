export {
  type BalanceCandidate,
  type BalanceSearch,
  tuneWithBalanceSearch,
} from "./balance-search.js";
export {
  asClassifier,
  type Classifier,
  classNamesKey,
  imageShape,
  logitsModel,
  normalizationFor,
  shapeHint,
} from "./classifier.js";
export type { ChosenMargins, Margin } from "./margins.js";
export { measurePrior } from "./measure-prior.js";
export { type OptimizerName, optimizers } from "./optimizers/index.js";
export { planTraining, type TrainingPlan } from "./plan.js";
export { type PredictOptions, type PredictWithOptions, predict } from "./predict.js";
export { describePrior, type Prior, priorFromLogits } from "./prior.js";
export { type Progress, silent } from "./progress.js";
export { type LogRow, readLog } from "./run-files.js";
export type { TrainingContext } from "./run-training.js";
export type { SamplingName } from "./sampling.js";
export type { ScheduleName } from "./schedule.js";
export * from "./segmentation/index.js";
export type { BatchNormMode } from "./step-options.js";
export { inferenceGraph, stepGraph, type TimedGraph, type TimedWork } from "./timed-graphs.js";
export { train } from "./train.js";
export type { TrainOptions } from "./train-options.js";
export type { ChosenAccuracy } from "./training-accuracy.js";
export type { TrainingOptions, TrainingResult } from "./training-options.js";
export { tune } from "./tune.js";
export type { BalanceGrid, TuneOptions } from "./tune-options.js";
