/** What a few seeds allow to say. */
import { tiedRanks } from "../../src/report/ranks.js";

/** 97.5th percentiles of Student's t distribution with 1, 2, ... degrees of freedom. */
const studentQuantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

export function meanOver(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation. */
export function deviationOver(values: readonly number[]): number {
  const mean = meanOver(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** Half the width of the 95 % confidence interval of a mean, by Student's t; NaN for one value. @throws Error for more values than the table of quantiles is for */
export function halfInterval(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const quantile = studentQuantiles[values.length - 2];
  if (quantile === undefined) throw new Error(`no quantile for ${values.length} seeds: extend the table`);
  return (quantile * deviationOver(values)) / Math.sqrt(values.length);
}

/** Spearman's rank correlation of two lists of one length, in [-1, 1]; equal values share the mean of their ranks. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const [ranksA, ranksB] = [tiedRanks(a), tiedRanks(b)];
  const mean = (a.length + 1) / 2;
  const product = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, rank, index) => sum + (rank - mean) * ((y[index] as number) - mean), 0);
  return product(ranksA, ranksB) / Math.sqrt(product(ranksA, ranksA) * product(ranksB, ranksB));
}
