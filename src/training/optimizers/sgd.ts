import { add, type Expr, mul, sub } from "../ops/index.js";

export interface SgdOptions {
  /** Share of the last velocity that stays; 0.9 by default. */
  readonly momentum: number;
  /** L2 penalty added to the gradient of every trained parameter, BatchNorm's included, as in the official code; 5e-4 by default. */
  readonly weightDecay: number;
}

export interface ParameterUpdate {
  readonly parameter: Expr;
  readonly momentum: Expr;
}

/**
 * Stochastic gradient descent with Nesterov momentum, as PyTorch writes it (dampening 0):
 *
 *   g ← ∇ + λθ;   v ← μv + g;   θ ← θ - η (g + μv)
 *
 * PyTorch starts v at the first gradient, which is what v = 0 gives.
 *
 * @param learningRate  scalar η
 */
export function sgdUpdate(
  parameter: Expr,
  gradient: Expr,
  velocity: Expr,
  learningRate: Expr,
  { momentum, weightDecay }: SgdOptions,
): ParameterUpdate {
  const g = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
  const v = add(mul(velocity, momentum), g);
  const direction = add(g, mul(v, momentum));
  return { parameter: sub(parameter, mul(direction, learningRate)), momentum: v };
}
