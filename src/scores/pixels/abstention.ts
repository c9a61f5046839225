import { type Expr, slice, softmax, sum } from "../../ops/index.js";

/**
 * Probability of belonging to none of the classes, `Σ_{c > K} p_c` with p = softmax(f) over the classes and the abstention outputs, as in the losses.
 * Higher means more out-of-distribution; in [0, 1].
 *
 * @param logits   float [N, K + A] or [N, K + A, H, W], the A ≥ 1 abstention outputs last
 * @param classes  K
 * @returns [N] or [N, H, W]
 */
export function abstention(logits: Expr, classes: number): Expr {
  const beyond = { axes: [1], starts: [classes], ends: [logits.dims[1] as number] };
  return sum(slice(softmax(logits), beyond), { axes: [1] });
}
