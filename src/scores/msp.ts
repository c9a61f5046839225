import { type Expr, neg, reduceMax, softmax } from "../ops/index.js";
import { defineScore } from "./types.js";

/**
 * Negative maximum softmax probability,
 *
 *   s(x) = -max_c softmax(f(x))_c
 *
 * Hendrycks and Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks",
 * ICLR 2017. Higher means more out-of-distribution; in [-1, -1/K]. In float32 all very confident images share -1.
 *
 * @param logits  float [N, K] or [N, K, H, W]
 * @returns [N] or [N, H, W]
 */
export function msp(logits: Expr): Expr {
  return neg(reduceMax(softmax(logits), { axes: [1] }));
}

export const mspScore = defineScore({
  name: "msp",
  title: "Maximum softmax probability",
  source: "Hendrycks and Gimpel, ICLR 2017",
  uses: [],
  defaults: {},
  expression: ({ logits }) => msp(logits),
});
