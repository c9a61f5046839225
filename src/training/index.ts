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
export { planTraining, type TrainingPlan } from "./plan.js";
export { type PredictOptions, predict } from "./predict.js";
export { describePrior, type Prior, priorFromLogits } from "./prior.js";
export { type Progress, silent } from "./progress.js";
export { type LogRow, readLog } from "./run-files.js";
export type { ScheduleName } from "./schedule.js";
export type { BatchNormMode } from "./step.js";
export { inferenceGraph, stepGraph, type TimedGraph, type TimedWork } from "./timed-graphs.js";
export { type TuneContext, tune } from "./tune.js";
export type { TuneOptions, TuneResult } from "./tune-options.js";
