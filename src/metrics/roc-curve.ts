import { OptionError } from "../errors.js";
import type { Ranking } from "./ranking.js";

/** Points of a ROC curve from (0, 0) to (1, 1), in order. */
export interface RocCurve {
  /** Share of in-distribution scores at or above the threshold. */
  readonly fpr: Float64Array;
  /** Share of OOD scores at or above the threshold. */
  readonly tpr: Float64Array;
  /** Threshold of each point; +Infinity for (0, 0). */
  readonly thresholds: Float64Array;
}

/**
 * The ROC curve for a plot. Every point returned is a point of the exact curve. Points inside straight stretches are left
 * out first, which changes nothing; if more than `maxPoints` remain, [0, 2] is cut into `maxPoints - 1` equal parts and the first
 * point whose fpr + tpr lies in each part is kept. Both end points always stay.
 *
 * @param maxPoints  at least 2
 * @throws OptionError when `maxPoints` is smaller
 */
export function rocCurve(ranking: Ranking, maxPoints: number): RocCurve {
  if (!Number.isInteger(maxPoints) || maxPoints < 2) {
    throw new OptionError({ where: "ROC curve", expected: "at least 2 points", received: String(maxPoints) });
  }
  const { idTotal, oodTotal, thresholds } = ranking;
  let corners = 0;
  visitCorners(ranking, () => corners++);
  const thin = corners + 1 > maxPoints;
  const size = thin ? maxPoints : corners + 1;
  const curve = { fpr: new Float64Array(size), tpr: new Float64Array(size), thresholds: new Float64Array(size) };
  curve.thresholds[0] = Infinity;

  let kept = 1;
  let lastPart = 0;
  visitCorners(ranking, (index, falsePositives, truePositives) => {
    const fpr = falsePositives / idTotal;
    const tpr = truePositives / oodTotal;
    const last = index === thresholds.length - 1;
    const part = Math.floor(((fpr + tpr) * (maxPoints - 1)) / 2);
    if (thin && !last && part === lastPart) return;
    lastPart = part;
    curve.fpr[kept] = fpr;
    curve.tpr[kept] = tpr;
    curve.thresholds[kept] = thresholds[index] as number;
    kept++;
  });
  return {
    fpr: curve.fpr.slice(0, kept),
    tpr: curve.tpr.slice(0, kept),
    thresholds: curve.thresholds.slice(0, kept),
  };
}

/** Visits the points at which the curve bends, and its end, with the counts at or above the threshold. */
function visitCorners(
  { idCounts, oodCounts }: Ranking,
  visit: (index: number, falsePositives: number, truePositives: number) => void,
): void {
  const end = idCounts.length - 1;
  let falsePositives = 0;
  let truePositives = 0;
  for (let index = 0; index <= end; index++) {
    const idStep = idCounts[index] as number;
    const oodStep = oodCounts[index] as number;
    falsePositives += idStep;
    truePositives += oodStep;
    const straight =
      index < end && idStep * (oodCounts[index + 1] as number) === oodStep * (idCounts[index + 1] as number);
    if (!straight) visit(index, falsePositives, truePositives);
  }
}
