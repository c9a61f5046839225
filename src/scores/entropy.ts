import { type Expr, exp, logSoftmax, maximum, mul, neg, sum } from "../ops/index.js";
import { defineScore } from "./types.js";

/** exp underflows to 0 in every float type well before this, so the bound changes no value; it keeps 0 · -∞ away. */
const leastLogProbability = -1e4;

/**
 * Shannon entropy of the softmax in nats,
 *
 *   s(x) = -Σ_c p_c log p_c,      p = softmax(f(x))
 *
 * Used as a score by Chan, Rottmann and Gottschalk, "Entropy Maximization and Meta Classification for Out-of-Distribution
 * Detection in Semantic Segmentation", ICCV 2021, who divide by log K. Higher means more out-of-distribution; in [0, log K].
 *
 * @param logits  float [N, K] or [N, K, H, W]
 * @returns [N] or [N, H, W]
 */
export function entropy(logits: Expr): Expr {
  const logProbability = maximum(logSoftmax(logits), leastLogProbability);
  return neg(sum(mul(exp(logProbability), logProbability), { axes: [1] }));
}

export const entropyScore = defineScore({
  name: "entropy",
  title: "Softmax entropy",
  source: "Chan, Rottmann and Gottschalk, ICCV 2021",
  uses: [],
  defaults: {},
  expression: ({ logits }) => entropy(logits),
});
