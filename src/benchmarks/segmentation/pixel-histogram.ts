import type { Histograms, Ranking } from "../../metrics/index.js";

const bins = 60;
/** Share of the pixels of either kind that may lie beyond either end of the range. */
const tail = 0.0005;

/**
 * Histograms of in-distribution and outlier pixels over the same equal bins, from counts per score. A few extreme scores would squeeze all others into
 * one bin, so the bins reach as far as 99.9 % of either kind; what lies beyond counts in the outermost bins.
 */
export function pixelHistogram({ thresholds, idCounts, oodCounts, idTotal, oodTotal }: Ranking): Histograms {
  const kinds = [
    [idCounts, idTotal],
    [oodCounts, oodTotal],
  ] as const;
  // Thresholds descend.
  const last = thresholds.length - 1;
  const highest = Math.min(...kinds.map(([counts, total]) => skipped(counts, tail * total, 0, 1)));
  const lowest = Math.max(...kinds.map(([counts, total]) => skipped(counts, tail * total, last, -1)));
  let [low, high] = [thresholds[lowest] as number, thresholds[highest] as number];
  if (low === high) {
    low -= 0.5;
    high += 0.5;
  }
  const width = (high - low) / bins;
  const edges = Float64Array.from({ length: bins + 1 }, (_, index) => low + index * width);
  edges[bins] = high;
  const [id, ood] = [new Uint32Array(bins), new Uint32Array(bins)];
  for (let index = 0; index <= last; index++) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor(((thresholds[index] as number) - low) / width)));
    id[bin] = (id[bin] as number) + (idCounts[index] as number);
    ood[bin] = (ood[bin] as number) + (oodCounts[index] as number);
  }
  return { edges, id, ood };
}

/** The first threshold, from one end, before which more than `allowed` pixels lie or would lie with its own. */
function skipped(counts: Uint32Array, allowed: number, start: number, step: 1 | -1): number {
  let index = start;
  for (let before = counts[index] as number; before <= allowed; before += counts[index] as number) index += step;
  return index;
}
