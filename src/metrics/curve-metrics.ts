/**
 * Metrics of an OOD detector, each one pass over a ranking. OOD is the positive class and a score is higher for more OOD.
 * Where the field has two rules for one name, both are here under names that tell them apart; `presets.ts` says who uses which.
 *
 * Counts may be zero for some thresholds (in a bootstrap replicate): such thresholds are no points of any curve.
 */
import { OptionError } from "../errors.js";
import type { Ranking } from "./ranking.js";

/** A metric of a ranking, in [0, 1]. */
export type Metric = (ranking: Ranking) => number;

/** A false positive rate at a recall. @param recallLevel  wanted share of OOD found, in (0, 1] */
export type FprRule = (ranking: Ranking, recallLevel: number) => number;

/**
 * Area under the ROC curve: the probability that an OOD score exceeds an in-distribution score, ties counted 1/2. Equals
 * scikit-learn's `roc_auc_score`. Exact up to one rounding while `2 · idTotal · oodTotal` < 2^53.
 */
export function auroc({ idCounts, oodCounts, idTotal, oodTotal }: Ranking): number {
  let above = 0;
  let twicePairs = 0;
  for (let index = 0; index < idCounts.length; index++) {
    const tied = oodCounts[index] as number;
    twicePairs += (idCounts[index] as number) * (2 * above + tied);
    above += tied;
  }
  return twicePairs / (2 * idTotal * oodTotal);
}

/**
 * Average precision, `Σ (R_n - R_{n-1}) · P_n` over the distinct thresholds, without interpolation. Equals scikit-learn's
 * `average_precision_score`. Depends on how many OOD scores there are per in-distribution score.
 */
export function averagePrecision({ idCounts, oodCounts, oodTotal }: Ranking): number {
  let falsePositives = 0;
  let truePositives = 0;
  let sum = 0;
  for (let index = 0; index < idCounts.length; index++) {
    const found = oodCounts[index] as number;
    falsePositives += idCounts[index] as number;
    truePositives += found;
    if (found > 0) sum += found * (truePositives / (truePositives + falsePositives));
  }
  return sum / oodTotal;
}

/**
 * Area under the precision-recall curve by the trapezoid rule, starting at recall 0 with precision 1. Equals scikit-learn's
 * `auc` over `precision_recall_curve`. Too high where thresholds are few (Davis and Goadrich, ICML 2006); average precision is not.
 */
export function precisionRecallArea({ idCounts, oodCounts, oodTotal }: Ranking): number {
  let falsePositives = 0;
  let truePositives = 0;
  let previousPrecision = 1;
  let sum = 0;
  for (let index = 0; index < idCounts.length; index++) {
    const found = oodCounts[index] as number;
    falsePositives += idCounts[index] as number;
    truePositives += found;
    const positives = truePositives + falsePositives;
    if (positives === 0) continue;
    const precision = truePositives / positives;
    sum += (found * (precision + previousPrecision)) / 2;
    previousPrecision = precision;
  }
  return sum / oodTotal;
}

/**
 * False positive rate at the threshold whose recall is nearest to the level; the recall there may be below it. Among
 * thresholds equally near the one with the higher recall counts, and among those of equal recall the lowest threshold (the
 * most false positives), except that the curve ends at the first threshold that finds every OOD score.
 *
 * The rule of the codes of Outlier Exposure (Hendrycks et al., ICLR 2019), energy_ood and Balanced Energy. As there, "equally near"
 * is judged on doubles: with ten OOD scores 0.9 is nearer to 0.95 than 1 is, by one rounding error.
 *
 * @throws OptionError unless the level is in (0, 1]
 */
export function fprNearestRecall({ idCounts, oodCounts, idTotal, oodTotal }: Ranking, recallLevel: number): number {
  checkRecallLevel(recallLevel);
  let falsePositives = 0;
  let truePositives = 0;
  let smallestDistance = Infinity;
  let chosen = 0;
  for (let index = 0; index < idCounts.length; index++) {
    const step = (idCounts[index] as number) + (oodCounts[index] as number);
    if (step === 0) continue;
    falsePositives += idCounts[index] as number;
    truePositives += oodCounts[index] as number;
    const distance = Math.abs(truePositives / oodTotal - recallLevel);
    if (distance <= smallestDistance) {
      smallestDistance = distance;
      chosen = falsePositives;
    }
    if (truePositives === oodTotal) break;
  }
  return chosen / idTotal;
}

/**
 * False positive rate at the first corner of the ROC curve whose recall reaches the level. A threshold between two equal
 * steps (as many in-distribution and OOD scores as the next threshold) is no corner, because scikit-learn's `roc_curve` drops it.
 * That can differ from the first threshold itself only where in-distribution and OOD scores are tied.
 *
 * The rule of OpenOOD v1.5 (Zhang et al., 2023).
 *
 * @throws OptionError unless the level is in (0, 1]
 */
export function fprReachingRecall({ idCounts, oodCounts, idTotal, oodTotal }: Ranking, recallLevel: number): number {
  checkRecallLevel(recallLevel);
  let falsePositives = 0;
  let truePositives = 0;
  let idStep = 0;
  let oodStep = 0;
  let steps = 0;
  for (let index = 0; index < idCounts.length; index++) {
    const nextId = idCounts[index] as number;
    const nextOod = oodCounts[index] as number;
    if (nextId + nextOod === 0) continue;
    // The point reached so far is final once the step after it is known; the first one is a corner in any case.
    const corner = steps === 1 || nextId !== idStep || nextOod !== oodStep;
    if (corner && truePositives / oodTotal >= recallLevel) break;
    falsePositives += nextId;
    truePositives += nextOod;
    idStep = nextId;
    oodStep = nextOod;
    steps++;
  }
  return falsePositives / idTotal;
}

/**
 * False positive rate at the highest threshold whose recall reaches the level, be it a corner of the ROC curve or not.
 *
 * The rule of Fishyscapes (Blum et al., IJCV 2021) and SegmentMeIfYouCan (Chan et al., NeurIPS 2021).
 *
 * @throws OptionError unless the level is in (0, 1]
 */
export function fprFirstReachingRecall(
  { idCounts, oodCounts, idTotal, oodTotal }: Ranking,
  recallLevel: number,
): number {
  checkRecallLevel(recallLevel);
  let falsePositives = 0;
  let truePositives = 0;
  for (let index = 0; truePositives / oodTotal < recallLevel; index++) {
    falsePositives += idCounts[index] as number;
    truePositives += oodCounts[index] as number;
  }
  return falsePositives / idTotal;
}

function checkRecallLevel(recallLevel: number): void {
  if (recallLevel > 0 && recallLevel <= 1) return;
  throw new OptionError({ where: "recall level", expected: "a number in (0, 1]", received: String(recallLevel) });
}
