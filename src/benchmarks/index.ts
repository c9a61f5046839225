export { type ComparedModel, type CompareLossesOptions, compareLosses, type LossComparison } from "./compare-losses.js";
export { type EvaluatedSet, type EvaluateOptions, type Evaluation, type EvaluationRow, evaluate } from "./evaluate.js";
export { type ScoredImage, scoreImages } from "./score-images.js";
