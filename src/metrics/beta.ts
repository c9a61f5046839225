/** The Beta distribution; here because @stdlib's quantile function comes with 233 packages. */

/**
 * Density of the Beta(a, b) distribution at x in (0, 1).
 *
 * @param a  > 0
 * @param b  > 0
 */
export function betaDensity(x: number, a: number, b: number): number {
  return weight(x, 1 - x, a, b) / (x * (1 - x));
}

/**
 * Distribution function of Beta(a, b), the regularised incomplete beta function I_x(a, b), by its continued fraction
 * (DLMF 8.17.22). Takes about √max(a, b) steps.
 *
 * @param x  in [0, 1]
 * @param a  > 0
 * @param b  > 0
 * @returns probability in [0, 1]
 */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast below this x only; above it I_x(a, b) = 1 - I_{1-x}(b, a).
  if (x > (a + 1) / (a + b + 2)) return 1 - (weight(1 - x, x, b, a) / b) * fraction(1 - x, b, a);
  return (weight(x, 1 - x, a, b) / a) * fraction(x, a, b);
}

/**
 * Quantile of Beta(a, b): the x at which {@link betaCdf} is the probability. Bisection down to neighbouring float64 needs
 * no start value and cannot diverge.
 *
 * @param probability  in (0, 1)
 * @param a            > 0
 * @param b            > 0
 */
export function betaQuantile(probability: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return high;
    if (betaCdf(middle, a, b) < probability) low = middle;
    else high = middle;
  }
}

/**
 * x^a y^b / B(a, b), where y = 1 - x. As a saddle point, because a difference of log-gammas of 10^7 has lost eight digits:
 * Loader, "Fast and Accurate Computation of Binomial Probabilities", 2000.
 */
function weight(x: number, y: number, a: number, b: number): number {
  const total = a + b;
  const exponent =
    stirlingError(total) - stirlingError(a) - stirlingError(b) - deviance(a, total * x) - deviance(b, total * y);
  return Math.sqrt((a * b) / (2 * Math.PI * total)) * Math.exp(exponent);
}

/** k log(k / mean) + mean - k, without the cancellation between its terms. */
function deviance(k: number, mean: number): number {
  const excess = (mean - k) / k;
  // Far from k it is 1 + excess that has cancelled.
  return k * (excess - (Math.abs(excess) < 0.5 ? Math.log1p(excess) : Math.log(mean / k)));
}

/** From this z on, five terms of Stirling's series are exact to float64. */
const seriesStart = 20;

/** log Γ(z + 1) - log(√(2πz) (z/e)^z). */
function stirlingError(z: number): number {
  if (z < seriesStart) return stirlingError(z + 1) + (z + 0.5) * Math.log1p(1 / z) - 1;
  const square = z * z;
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / z;
}

/** Keeps a denominator of the continued fraction from being zero, as Lentz's method needs. */
const tiny = 1e-300;

/** 1 / (1 + d₁ / (1 + d₂ / …)) of DLMF 8.17.22, by the modified Lentz method (Thompson and Barnett, 1986). */
function fraction(x: number, a: number, b: number): number {
  const apart = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let numerator = 1;
  let denominator = 1 / apart(1 - ((a + b) * x) / (a + 1));
  let result = denominator;
  const advance = (coefficient: number) => {
    denominator = 1 / apart(1 + coefficient * denominator);
    numerator = apart(1 + coefficient / numerator);
    result *= numerator * denominator;
    return Math.abs(numerator * denominator - 1);
  };
  for (let m = 1; ; m++) {
    advance((m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)));
    // `NaN > limit` is false, so the loop ends for whatever it is given.
    if (!(advance((-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))) > 1e-15)) return result;
  }
}
