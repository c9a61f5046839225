export { type ComparedModel, type CompareLossesOptions, compareLosses, type LossComparison } from "./compare-losses.js";
export {
  type EvaluatedSet,
  type EvaluateOptions,
  type Evaluation,
  type EvaluationRow,
  evaluate,
  insideAndOutside,
} from "./evaluate.js";
export { isScOod, type OodSet, openScOod, scOodBenchmarks } from "./sc-ood.js";
export { type ScoredImage, scoreImages } from "./score-images.js";
export * from "./segmentation/index.js";
