import { add, type Expr, mul, sub } from "../../ops/index.js";
import type { Optimizer, OptimizerOptions, UpdateInputs } from "./types.js";

/** The penalised gradient `g ← ∇ + λθ`, and the velocity `v ← μv + g`. PyTorch starts v at the first gradient, which is what v = 0 gives. */
function moved(
  { parameter, gradient, state }: UpdateInputs,
  { momentum, weightDecay }: OptimizerOptions,
): readonly [g: Expr, v: Expr] {
  const g = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
  return [g, add(mul(state[0] as Expr, momentum), g)];
}

const slots = ["momentum"];
const numbers = () => [];

/** Stochastic gradient descent with Nesterov momentum, as PyTorch writes it (dampening 0): `θ ← θ - η (g + μv)`. */
export const sgd: Optimizer = {
  slots,
  numbers,
  next(inputs, options) {
    const [g, v] = moved(inputs, options);
    const direction = add(g, mul(v, options.momentum));
    return { parameter: sub(inputs.parameter, mul(direction, inputs.learningRate)), state: [v] };
  },
};

/** The same with plain momentum, which is PyTorch's default: `θ ← θ - ηv`. */
export const plainSgd: Optimizer = {
  slots,
  numbers,
  next(inputs, options) {
    const [, v] = moved(inputs, options);
    return { parameter: sub(inputs.parameter, mul(v, inputs.learningRate)), state: [v] };
  },
};
