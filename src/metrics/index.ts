// Metrics of OOD detection and of classification. Exact, on typed arrays.
export { accuracy, accuracyByClass, accuracyByGroup, argmax } from "./accuracy.js";
export { type BootstrapOptions, bootstrapIntervals, type Interval } from "./bootstrap.js";
export {
  type ConformalThreshold,
  conformalPValues,
  conformalThreshold,
  type FalseAlarmBoundOptions,
  falseAlarmBound,
} from "./conformal.js";
export {
  auroc,
  averagePrecision,
  type FprRule,
  fprFirstReachingRecall,
  fprNearestRecall,
  fprReachingRecall,
  type Metric,
  precisionRecallArea,
} from "./curve-metrics.js";
export {
  type DetectionMetricName,
  type DetectionMetrics,
  detectionMetrics,
  presetMetrics,
} from "./detection-metrics.js";
export { type Histograms, histograms } from "./histograms.js";
export { alarmLevel, largestComponent } from "./pixels/alarm-level.js";
export { type MeanImageMetrics, PerImageMetrics } from "./pixels/per-image-metrics.js";
export { PixelRanking } from "./pixels/pixel-ranking.js";
export { nextAbove, PixelRisk, type PixelThreshold } from "./pixels/risk-control.js";
export { type MetricPreset, type PresetName, presets } from "./presets.js";
export { type Ranking, rankScores } from "./ranking.js";
export { type RocCurve, rocCurve } from "./roc-curve.js";
export type { Scores } from "./scores.js";
export { type BestF1, bestF1 } from "./segmentation/best-f1.js";
export {
  ComponentMetrics,
  type ComponentOptions,
  type ComponentResults,
  componentTracks,
  f1Levels,
} from "./segmentation/component-metrics.js";
export type { MinimumSizes } from "./segmentation/component-overlap.js";
export { ConfusionMatrix } from "./segmentation/confusion-matrix.js";
export { type Components, connectedComponents } from "./segmentation/connected-components.js";
export { type ShotGroups, shotGroups } from "./shot-groups.js";
