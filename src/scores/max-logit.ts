import { type Expr, neg, reduceMax } from "../ops/index.js";
import { defineScore } from "./types.js";

/**
 * Negative maximum logit,
 *
 *   s(x) = -max_c f_c(x)
 *
 * Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings", ICML 2022. Higher means more
 * out-of-distribution; unbounded. It is the energy in the limit of temperature 0.
 *
 * @param logits  float [N, K] or [N, K, H, W]
 * @returns [N] or [N, H, W]
 */
export function maxLogit(logits: Expr): Expr {
  return neg(reduceMax(logits, { axes: [1] }));
}

export const maxLogitScore = defineScore({
  name: "max-logit",
  title: "Maximum logit",
  source: "Hendrycks et al., ICML 2022",
  uses: [],
  defaults: {},
  expression: ({ logits }) => maxLogit(logits),
});
