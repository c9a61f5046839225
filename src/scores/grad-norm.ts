import { abs, type Expr, mul, neg, softmax, sub, sum } from "../ops/index.js";
import { lastLayerOf } from "./needed.js";
import { defineScore } from "./types.js";

/**
 * GradNorm: how little the last layer's weight would change to make the prediction uniform,
 *
 *   s(x) = -‖∂ KL(u ‖ softmax(Wz + b)) / ∂W‖₁ = -‖z‖₁ · ‖p - u‖₁,      u = 1/K
 *
 * The gradient is the outer product of p - u and z, so its norm needs no backward pass. Huang, Geng and Li, "On the
 * Importance of Gradients for Detecting Distributional Shifts in the Wild", NeurIPS 2021.
 * Higher means more out-of-distribution; ≤ 0.
 *
 * @param logits    float [N, K]
 * @param features  float [N, D]
 * @returns [N]
 */
export function gradNorm(logits: Expr, features: Expr, classes: number): Expr {
  const over = { axes: [1] };
  return neg(mul(sum(abs(features), over), sum(abs(sub(softmax(logits), 1 / classes)), over)));
}

export const gradNormScore = defineScore({
  name: "gradnorm",
  title: "GradNorm",
  source: "Huang, Geng and Li, NeurIPS 2021",
  uses: ["features", "head"],
  defaults: {},
  expression: (inputs) => {
    const { features, head } = lastLayerOf(inputs, "gradnorm");
    return gradNorm(inputs.logits, features, head.classes);
  },
});
