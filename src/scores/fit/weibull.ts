/** Maximum likelihood of a Weibull distribution. Float64. */
import { DataError } from "../../errors.js";
import { increasingRoot } from "./root.js";

/** P(X ≤ x) = 1 - exp(-(x / scale)^shape) for x ≥ 0. */
export interface Weibull {
  readonly shape: number;
  readonly scale: number;
}

/**
 * The Weibull distribution under which the values are likeliest. For a given shape k the best scale is
 * (mean x^k)^(1/k); with it put in, the likelihood is greatest at the one root of
 *
 *   g(k) = Σ_i w_i log x_i - 1/k - mean log x,      w_i = x_i^k / Σ_j x_j^k
 *
 * whose derivative, the variance of log x under w plus 1/k², is positive. Rinne, "The Weibull Distribution", 2008,
 * chapter 11.
 *
 * @param values  at least 2 different numbers > 0
 * @param where   for the error message
 * @throws DataError for other values: the likelihood would have no maximum
 */
export function fitWeibull(values: readonly number[], where: string): Weibull {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  if (!(least > 0 && least < greatest && greatest < Infinity)) {
    throw new DataError({
      where,
      expected: "distances > 0 that are not all the same",
      received: least < greatest ? `one of ${least}` : `${values.length} of ${greatest}`,
      hint: "use more images, without duplicates",
    });
  }
  // In units of the greatest, so that no power overflows: k may be large.
  const logs = values.map((value) => Math.log(value / greatest));
  const mean = average(logs);
  const spread = Math.sqrt(average(logs.map((log) => (log - mean) ** 2)));
  // The logarithm of a Weibull variable has the standard deviation π / (√6 k).
  const start = Math.PI / Math.sqrt(6) / spread;
  const shape = increasingRoot((k) => {
    let [total, weighted, squared] = [0, 0, 0];
    for (const log of logs) {
      const weight = Math.exp(k * log);
      total += weight;
      weighted += weight * log;
      squared += weight * log * log;
    }
    const expected = weighted / total;
    return { value: expected - 1 / k - mean, slope: squared / total - expected ** 2 + 1 / k ** 2 };
  }, start);
  const scale = greatest * average(logs.map((log) => Math.exp(shape * log))) ** (1 / shape);
  return { shape, scale };
}

const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
