import { OptionError } from "../errors.js";
import {
  add,
  type Expr,
  exp,
  greater,
  largest,
  log,
  logSoftmax,
  logSumExp,
  mul,
  sub,
  sum,
  where,
} from "../ops/index.js";
import { defineScore } from "./types.js";

type GenOptions = {
  /** Exponent, in (0, 1): the smaller, the more the small probabilities count. */
  readonly gamma: number;
  /** How many of the largest probabilities count; all of them where there are fewer classes. */
  readonly largest: number;
};

/**
 * Generalized entropy of the M = min(`largest`, K) largest probabilities p = softmax(f(x)),
 *
 *   s(x) = Σ_{m ≤ M} p_(m)^γ (1 - p_(m))^γ
 *
 * Liu, Lochman and Zach, "GEN: Pushing the Limits of Softmax-Based Out-of-Distribution Detection", CVPR 2023;
 * the paper's score is -s. Higher means more out-of-distribution; in [0, M·4^-γ].
 *
 * Both factors are computed as logarithms, so that no probability is too small for float32.
 *
 * @param logits  float [N, K] or [N, K, H, W]
 * @returns [N] or [N, H, W]
 * @throws OptionError unless γ is in (0, 1) and `largest` a whole number ≥ 1
 */
export function gen(logits: Expr, options: GenOptions = { gamma: 0.1, largest: 100 }): Expr {
  checkOptions(options);
  const { gamma } = options;
  const classes = logits.dims[1];
  const all = logSoftmax(logits);
  const kept = typeof classes === "number" && classes <= options.largest ? all : largest(all, options.largest).values;
  return sum(exp(mul(gamma, add(kept, logOfOthers(kept, all)))), { axes: [1] });
}

/** Above this probability, which only one class can have, 1 - p would lose digits. */
const dominant = Math.log(0.75);
/** Stands for log 0; finite, as 0 · ∞ is not a number. */
const logOfNothing = -1e30;

/** log(1 - p) from log p. For a dominant class it is the logarithm of the sum of the other probabilities. */
function logOfOthers(logP: Expr, all: Expr): Expr {
  const rest = logSumExp(where(greater(all, dominant), logOfNothing, all), { axes: [1], keep: true });
  // The branch that is not taken may be log 0, and is dropped.
  return where(greater(logP, dominant), rest, log(sub(1, exp(logP))));
}

function checkOptions({ gamma, largest }: GenOptions): void {
  const where = "gen score";
  if (!(gamma > 0 && gamma < 1)) {
    throw new OptionError({ where, expected: "a gamma between 0 and 1", received: String(gamma) });
  }
  if (!Number.isInteger(largest) || largest < 1) {
    throw new OptionError({ where, expected: "largest to be a whole number ≥ 1", received: String(largest) });
  }
}

export const genScore = defineScore({
  name: "gen",
  title: "Generalized entropy",
  source: "Liu, Lochman and Zach, CVPR 2023",
  uses: [],
  defaults: { gamma: 0.1, largest: 100 },
  check: checkOptions,
  expression: ({ logits }, options) => gen(logits, options),
});
