import {
  add,
  div,
  type Expr,
  exp,
  greaterOrEqual,
  log,
  maximum,
  mul,
  neg,
  reduceMax,
  softplus,
  sub,
  sum,
  where,
} from "../ops/index.js";
import { defineScore } from "./types.js";

/** exp underflows to 0 in every float type well before this, so the bound changes no value; it keeps 0 · ∞ away. */
const lowest = -1e4;
/** Below every sum of probabilities that matters beside 1; its logarithm is finite. */
const leastRest = 1e-37;

/**
 * Shannon entropy of the softmax in nats,
 *
 *   s(x) = -Σ_c p_c log p_c = log(1 + r) + Σ_c p_c (max f - f_c),      p = softmax(f(x)),      1 + r = Σ_c exp(f_c - max f)
 *
 * Used as a score by Chan, Rottmann and Gottschalk, "Entropy Maximization and Meta Classification for Out-of-Distribution
 * Detection in Semantic Segmentation", ICCV 2021, who divide by log K. Higher means more out-of-distribution; in [0, log K].
 *
 * Computed by the second form, with r summed over all classes but the largest: rounding a sum of 1 + r would cost a confident image
 * its digits (on CIFAR-10 an entropy of 5e-4 was off by 1e-4 of itself).
 *
 * @param logits  float [N, K] or [N, K, H, W]
 * @returns [N] or [N, H, W]
 */
export function entropy(logits: Expr): Expr {
  const below = maximum(sub(logits, reduceMax(logits, { axes: [1], keep: true })), lowest);
  const powers = exp(below);
  const isLargest = greaterOrEqual(below, 0);
  const total = (terms: Expr) => sum(terms, { axes: [1] });
  // Several may be the largest: all but one of them count as others.
  const ties = sub(total(where(isLargest, 1, 0)), 1);
  const others = add(ties, total(where(isLargest, 0, powers)));
  const distance = div(total(mul(powers, neg(below))), add(others, 1));
  return add(softplus(log(maximum(others, leastRest))), distance);
}

export const entropyScore = defineScore({
  name: "entropy",
  title: "Softmax entropy",
  source: "Chan, Rottmann and Gottschalk, ICCV 2021",
  uses: [],
  defaults: {},
  expression: ({ logits }) => entropy(logits),
});
