import {
  auroc,
  averagePrecision,
  type FprRule,
  fprFirstReachingRecall,
  fprNearestRecall,
  fprReachingRecall,
  type Metric,
  precisionRecallArea,
} from "./curve-metrics.js";

/** Which rule each column of a table of OOD results is computed by. */
export interface MetricPreset {
  readonly title: string;
  /** Whose numbers it reproduces. */
  readonly source: string;
  readonly auroc: Metric;
  readonly aupr: Metric;
  readonly fpr: FprRule;
  /** How the rules are named in a table's footnote. */
  readonly describes: { readonly aupr: string; readonly fpr: string };
}

/** The rule sets. They differ on the same scores, so a table must say which one it shows. */
export const presets = {
  official: {
    title: "Balanced Energy",
    source: "codes of Outlier Exposure, energy_ood and Balanced Energy",
    auroc,
    aupr: averagePrecision,
    fpr: fprNearestRecall,
    describes: { aupr: "average precision", fpr: "at the recall nearest to the level" },
  },
  openood: {
    title: "OpenOOD",
    source: "OpenOOD v1.5",
    auroc,
    aupr: precisionRecallArea,
    fpr: fprReachingRecall,
    describes: {
      aupr: "trapezoids under the precision-recall curve",
      fpr: "at the first recall of at least the level",
    },
  },
  fishyscapes: {
    title: "Fishyscapes",
    source: "Fishyscapes and SegmentMeIfYouCan",
    auroc,
    aupr: averagePrecision,
    fpr: fprFirstReachingRecall,
    describes: { aupr: "average precision", fpr: "at the highest threshold with a recall of at least the level" },
  },
} as const satisfies Record<string, MetricPreset>;

export type PresetName = keyof typeof presets;
