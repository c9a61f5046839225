import { OptionError } from "../errors.js";
import { checkScores, type Scores } from "./scores.js";

const maxBins = 100_000;

/** Two histograms over the same bins. */
export interface Histograms {
  /** Ascending edges, one more than bins. A bin holds its lower edge; the last bin holds both. */
  readonly edges: Float64Array;
  readonly id: Uint32Array;
  readonly ood: Uint32Array;
}

/**
 * Histograms of both kinds of scores over equal bins from the smallest score to the largest, with the edges of
 * `numpy.histogram`. If all scores are equal the bins reach 0.5 to either side.
 *
 * @param bins  1 to 100,000
 * @throws DataError when a set is empty or holds NaN or an infinity
 * @throws OptionError for a number of bins outside the range
 */
export function histograms(id: Scores, ood: Scores, bins: number): Histograms {
  if (!Number.isInteger(bins) || bins < 1 || bins > maxBins) {
    throw new OptionError({ where: "histogram", expected: `1 to ${maxBins} bins`, received: String(bins) });
  }
  checkScores(id, "in-distribution scores");
  checkScores(ood, "out-of-distribution scores");
  const edges = equalBins(id, ood, bins);
  return { edges, id: countIn(edges, id), ood: countIn(edges, ood) };
}

function equalBins(id: Scores, ood: Scores, bins: number): Float64Array {
  let low = Infinity;
  let high = -Infinity;
  for (const scores of [id, ood]) {
    for (const score of scores) {
      if (score < low) low = score;
      if (score > high) high = score;
    }
  }
  if (low === high) {
    low -= 0.5;
    high += 0.5;
  }
  // Halves, because the range of two large scores of opposite sign overflows; halving and doubling round nothing.
  const halfWidth = (high / 2 - low / 2) / bins;
  const edges = Float64Array.from({ length: bins + 1 }, (_, index) => 2 * (low / 2 + index * halfWidth));
  edges[bins] = high;
  return edges;
}

function countIn(edges: Float64Array, scores: Scores): Uint32Array {
  const counts = new Uint32Array(edges.length - 1);
  for (const score of scores) {
    let bin = 0;
    let end = counts.length;
    while (end - bin > 1) {
      const middle = (bin + end) >>> 1;
      if (score >= (edges[middle] as number)) bin = middle;
      else end = middle;
    }
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts;
}
