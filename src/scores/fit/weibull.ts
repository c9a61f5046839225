/** Maximum likelihood of a Weibull distribution, and the root finder it needs. Float64. */
import { DataError } from "../../errors.js";

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

/** After a Newton step this small the next one, about its square, is below float64's rounding. */
const relativeTolerance = 1e-10;
/** Far more than Newton's method takes; bisection alone would need 40 from a bracket of a factor 2. */
const mostSteps = 200;

/**
 * The root of an increasing function on (0, ∞) that is negative near 0 and positive far out: Newton's method, with
 * doubling or bisection wherever its step would leave the bracket that is known to hold the root.
 *
 * @param at     value and derivative
 * @param start  > 0
 */
export function increasingRoot(at: (x: number) => { value: number; slope: number }, start: number): number {
  let [low, high] = [0, Infinity];
  let x = start;
  for (let step = 0; step < mostSteps; step++) {
    const { value, slope } = at(x);
    if (value === 0) return x;
    if (value < 0) low = x;
    else high = x;
    const newton = x - value / slope;
    const halfway = high === Infinity ? 2 * x : (low + high) / 2;
    const next = newton > low && newton < high ? newton : halfway;
    if (Math.abs(next - x) <= relativeTolerance * x) return next;
    x = next;
  }
  return x;
}
