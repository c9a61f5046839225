// ln Γ and its derivative ψ, as numbers and as expressions of the logarithm of their argument.
//
// The expressions give what is left of Stirling's formula,
//
//   ln Γ(a) = (a - ½) ln a - a + ½ ln 2π + s(a)          s(a) = 1/(12a) - 1/(360a³) + 1/(1260a⁵) - ...
//   ψ(a)    = ln a + u(a)/a                              u(a) = -½ - 1/(12a) + 1/(120a³) - 1/(252a⁵) + ...
//
// because in the densities of Dirichlet distributions the large terms cancel: computed by themselves they would take all digits of float32 with them.
// The series are good to float32 from a = 4 on. Below, Γ(a + 4) = a(a + 1)(a + 2)(a + 3) Γ(a) leads there, with ln a taken from the
// argument, as a itself may be 0 in float32.
import { add, type Expr, exp, less, log, mul, type Operand, reciprocal, sub, where } from "../../ops/index.js";

const steps = 4;
const lnSeries = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680];
const psiSeries = [-1 / 12, 1 / 120, -1 / 252, 1 / 240];

/** ½ ln 2π */
export const halfLogTwoPi = Math.log(2 * Math.PI) / 2;

/** ln Γ(x) of a number > 0, to 12 digits. */
export function logGamma(x: number): number {
  if (x < 16) return logGamma(x + 1) - Math.log(x);
  return (x - 0.5) * Math.log(x) - x + halfLogTwoPi + oddPowers(lnSeries, 1 / x);
}

/** ψ(x) = d ln Γ(x) / dx of a number > 0, to 12 digits. */
export function digamma(x: number): number {
  if (x < 16) return digamma(x + 1) - 1 / x;
  return Math.log(x) + (oddPowers(psiSeries, 1 / x) - 0.5) / x;
}

const oddPowers = (series: readonly number[], r: number) =>
  r * series.reduceRight((sum, coefficient) => sum * r * r + coefficient, 0);

/** a, whether it is below 4, and the argument of the series: a or a + 4, its logarithm and its reciprocal. */
function shifted(logA: Expr) {
  const a = exp(logA);
  const small = less(a, steps);
  const z = where(small, add(a, steps), a);
  return { a, small, logZ: log(z), r: reciprocal(z) };
}

/** `r·(c_0 + c_1 r² + c_2 r⁴ + ...)` */
function series(coefficients: readonly number[], r: Expr): Expr {
  const square = mul(r, r);
  const [highest, ...lower] = coefficients.toReversed() as [number, ...number[]];
  const inner = lower.reduce<Operand>((sum, coefficient) => add(mul(square, sum), coefficient), highest);
  return mul(r, inner);
}

/** s(a), any shape, from ln a. Has no gradient: for use within one written by hand. */
export function logGammaRest(logA: Expr): Expr {
  const { a, small, logZ, r } = shifted(logA);
  const rest = series(lnSeries, r);
  const product = log(mul(add(a, 1), mul(add(a, 2), add(a, 3))));
  const down = sub(sub(mul(add(a, steps - 0.5), logZ), mul(add(a, 0.5), logA)), add(product, steps));
  return where(small, add(rest, down), rest);
}

/** u(a) = a·(ψ(a) - ln a), any shape, from ln a; in (-1, -½). Has no gradient: for use within one written by hand. */
export function digammaRest(logA: Expr): Expr {
  const { a, small, logZ, r } = shifted(logA);
  const rest = sub(series(psiSeries, r), 0.5);
  const between = add(reciprocal(add(a, 1)), add(reciprocal(add(a, 2)), reciprocal(add(a, 3))));
  const down = sub(mul(a, sub(add(mul(rest, r), sub(logZ, logA)), between)), 1);
  return where(small, down, rest);
}
