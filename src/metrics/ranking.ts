/**
 * What every detection metric is computed from: how many scores of either kind share each distinct value. The scores are
 * sorted once; a metric is then one pass over the distinct values, and a bootstrap replicate is new counts for them.
 */
import { countFloat32 } from "./counting.js";
import { checkScores, type Scores } from "./scores.js";

/** Counts per distinct score, highest score first. Deciding "OOD" at `thresholds[i]` means a score of at least that. */
export interface Ranking {
  /** The distinct scores in descending order; float32 when both sets are. */
  readonly thresholds: Scores;
  /** How many in-distribution scores equal each threshold. */
  readonly idCounts: Uint32Array;
  /** How many OOD scores equal each threshold. */
  readonly oodCounts: Uint32Array;
  readonly idTotal: number;
  readonly oodTotal: number;
}

/**
 * Ranks two sets of scores together. -0 and +0 are one threshold. Needs 4 bytes per score and 12 per distinct score, where both sets are
 * float32; else 16 and 20 per score.
 *
 * @param id   scores of in-distribution images
 * @param ood  scores of out-of-distribution images, the positives
 * @throws DataError when a set is empty or holds NaN or an infinity
 */
export function rankScores(id: Scores, ood: Scores): Ranking {
  checkScores(id, "in-distribution scores");
  checkScores(ood, "out-of-distribution scores");
  const counts =
    id instanceof Float32Array && ood instanceof Float32Array ? countFloat32(id, ood) : countFloat64(id, ood);
  return { ...counts, idTotal: id.length, oodTotal: ood.length };
}

type Counts = Pick<Ranking, "thresholds" | "idCounts" | "oodCounts">;

/** Sorts both sets and merges them. */
function countFloat64(id: Scores, ood: Scores): Counts {
  const sortedId = Float64Array.from(id).sort();
  const sortedOod = Float64Array.from(ood).sort();
  const capacity = id.length + ood.length;
  const thresholds = new Float64Array(capacity);
  const idCounts = new Uint32Array(capacity);
  const oodCounts = new Uint32Array(capacity);
  let distinct = 0;
  let i = sortedId.length - 1;
  let o = sortedOod.length - 1;
  while (i >= 0 || o >= 0) {
    const threshold = Math.max(sortedId[i] ?? -Infinity, sortedOod[o] ?? -Infinity);
    const idEnd = i;
    const oodEnd = o;
    while (i >= 0 && sortedId[i] === threshold) i--;
    while (o >= 0 && sortedOod[o] === threshold) o--;
    thresholds[distinct] = threshold === 0 ? 0 : threshold;
    idCounts[distinct] = idEnd - i;
    oodCounts[distinct] = oodEnd - o;
    distinct++;
  }
  return {
    thresholds: thresholds.subarray(0, distinct),
    idCounts: idCounts.subarray(0, distinct),
    oodCounts: oodCounts.subarray(0, distinct),
  };
}
