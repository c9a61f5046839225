import { OptionError } from "../../errors.js";
import { type Generator, normal } from "../random.js";

/**
 * A draw from Beta(a, b): two gamma variables X and Y give X / (X + Y). Computed from their logarithms, so that small
 * parameters, whose gamma variables are below the smallest float64, still give the right mix of values near 0 and near 1.
 *
 * @param a,b  > 0
 * @returns a number in [0, 1]
 * @throws OptionError for a parameter that is not > 0
 */
export function betaSample(generator: Generator, a: number, b: number): number {
  const bad = [a, b].find((parameter) => !(parameter > 0 && Number.isFinite(parameter)));
  if (bad !== undefined) {
    throw new OptionError({ where: "Beta distribution", expected: "parameters above 0", received: String(bad) });
  }
  return 1 / (1 + Math.exp(logGamma(generator, b) - logGamma(generator, a)));
}

/**
 * Logarithm of a draw from Gamma(shape, 1). Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS
 * 2000: a cubed normal variable, accepted with a probability above 0.95; for shapes below 1, a draw of shape + 1 times
 * U^(1 / shape) (section 6).
 */
function logGamma(generator: Generator, shape: number): number {
  if (shape < 1) return logGamma(generator, shape + 1) + Math.log(1 - generator.uniform()) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(generator);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - generator.uniform()) < x * x * 0.5 + d * (1 - v + Math.log(v))) {
      return Math.log(d) + Math.log(v);
    }
  }
}
