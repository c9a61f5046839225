import { add, mul, sub } from "../../ops/index.js";
import type { Optimizer } from "./types.js";

/**
 * Stochastic gradient descent with Nesterov momentum, as PyTorch writes it (dampening 0):
 *
 *   g ← ∇ + λθ;   v ← μv + g;   θ ← θ - η (g + μv)
 *
 * PyTorch starts v at the first gradient, which is what v = 0 gives.
 */
export const sgd: Optimizer = {
  slots: ["momentum"],
  numbers: () => [],
  next({ parameter, gradient, state: [velocity], learningRate }, { momentum, weightDecay }) {
    const g = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
    const v = add(mul(velocity as typeof g, momentum), g);
    const direction = add(g, mul(v, momentum));
    return { parameter: sub(parameter, mul(direction, learningRate)), state: [v] };
  },
};
