import type { Metric } from "./curve-metrics.js";
import { type PresetName, presets } from "./presets.js";
import { rankScores } from "./ranking.js";
import type { Scores } from "./scores.js";

/** Recall of the "FPR95" that the field reports. */
const reportedRecall = 0.95;

/** The metrics of a table row, as fractions in [0, 1]. OOD is the positive class. */
export interface DetectionMetrics {
  readonly auroc: number;
  readonly aupr: number;
  /** Share of in-distribution images called OOD where 95 % of the OOD images are found. */
  readonly fpr95: number;
  readonly n_id: number;
  readonly n_ood: number;
}

export type DetectionMetricName = "auroc" | "aupr" | "fpr95";

/** The three metrics of a preset as functions of a ranking, for example to bootstrap them. */
export function presetMetrics(preset: PresetName): Readonly<Record<DetectionMetricName, Metric>> {
  const { auroc, aupr, fpr } = presets[preset];
  return { auroc, aupr, fpr95: (ranking) => fpr(ranking, reportedRecall) };
}

/**
 * AUROC, AUPR and FPR at 95 % recall of an OOD score, exactly, ties included.
 *
 * @example detectionMetrics(Float32Array.of(-9, -7), Float32Array.of(-2, -8), { preset: "official" }).auroc // 0.75
 * @param idScores   scores of in-distribution images, higher for more OOD
 * @param oodScores  scores of OOD images
 * @throws DataError when a set is empty or holds NaN or an infinity
 */
export function detectionMetrics(
  idScores: Scores,
  oodScores: Scores,
  { preset }: { preset: PresetName },
): DetectionMetrics {
  const ranking = rankScores(idScores, oodScores);
  const { auroc, aupr, fpr95 } = presetMetrics(preset);
  return {
    auroc: auroc(ranking),
    aupr: aupr(ranking),
    fpr95: fpr95(ranking),
    n_id: ranking.idTotal,
    n_ood: ranking.oodTotal,
  };
}
