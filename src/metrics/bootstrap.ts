import type { Generator } from "../data/random.js";
import { OptionError } from "../errors.js";
import type { Metric } from "./curve-metrics.js";
import type { Ranking } from "./ranking.js";

export interface BootstrapOptions {
  readonly generator: Generator;
  /** How many resamples are drawn, ≥ 2; 1000 by default. */
  readonly replicates?: number;
  /** Share of the replicates inside the interval, in (0, 1); 0.95 by default. */
  readonly confidence?: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Percentile bootstrap intervals of several metrics at once. Each replicate draws as many in-distribution and as many OOD
 * scores as there are, with replacement and apart from each other (stratified); the bounds are quantiles of the metric over
 * the replicates, linearly interpolated as `numpy.quantile` does.
 *
 * It covers the choice of test images, not of the training run. Percentile intervals are too narrow for tens of images,
 * and have width 0 when the two sets do not overlap.
 *
 * Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3. A replicate costs O(n), without sorting.
 *
 * @throws OptionError for too few replicates or a confidence outside (0, 1)
 */
export function bootstrapIntervals<Name extends string>(
  ranking: Ranking,
  metrics: Readonly<Record<Name, Metric>>,
  { generator, replicates = 1000, confidence = 0.95 }: BootstrapOptions,
): Record<Name, Interval> {
  if (!Number.isInteger(replicates) || replicates < 2) {
    throw new OptionError({ where: "bootstrap", expected: "at least 2 replicates", received: String(replicates) });
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new OptionError({ where: "bootstrap", expected: "a confidence in (0, 1)", received: String(confidence) });
  }
  const resampleId = resampler(ranking.idCounts, ranking.idTotal, generator);
  const resampleOod = resampler(ranking.oodCounts, ranking.oodTotal, generator);
  const names = Object.keys(metrics) as Name[];
  const values = names.map(() => new Float64Array(replicates));
  for (let replicate = 0; replicate < replicates; replicate++) {
    const resample: Ranking = { ...ranking, idCounts: resampleId(), oodCounts: resampleOod() };
    names.forEach((name, index) => {
      (values[index] as Float64Array)[replicate] = metrics[name](resample);
    });
  }
  const tail = (1 - confidence) / 2;
  const intervals = names.map((name, index) => {
    const sorted = (values[index] as Float64Array).sort();
    return [name, { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) }] as const;
  });
  return Object.fromEntries(intervals) as Record<Name, Interval>;
}

/** Draws new counts for the thresholds; the array it returns is the same every time. */
function resampler(counts: Uint32Array, total: number, generator: Generator): () => Uint32Array {
  const thresholdOf = new Uint32Array(total);
  let end = 0;
  counts.forEach((count, threshold) => {
    thresholdOf.fill(threshold, end, end + count);
    end += count;
  });
  const drawn = new Uint32Array(counts.length);
  return () => {
    drawn.fill(0);
    for (let draw = 0; draw < total; draw++) {
      const threshold = thresholdOf[generator.integer(total)] as number;
      drawn[threshold] = (drawn[threshold] as number) + 1;
    }
    return drawn;
  };
}

/** The quantile of ascending values at a probability in [0, 1], linear between neighbours. */
function quantile(sorted: Float64Array, probability: number): number {
  const position = probability * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}
