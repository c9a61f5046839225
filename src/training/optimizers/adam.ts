import { add, div, type Expr, mul, sqrt, square, sub } from "../../ops/index.js";
import type { Optimizer, UpdateInputs } from "./types.js";

// The values of the paper and of PyTorch; nothing here was ever trained with others.
const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/** `m̂ / (√v̂ + ε)`, and the moving averages m and v of the gradient and its square. */
function adaptiveStep(g: Expr, { state, numbers }: UpdateInputs) {
  const [m0, v0] = state as [Expr, Expr];
  const [missing1, missing2] = numbers as [Expr, Expr];
  const m = add(mul(m0, beta1), mul(g, 1 - beta1));
  const v = add(mul(v0, beta2), mul(square(g), 1 - beta2));
  const direction = div(div(m, missing1), add(sqrt(div(v, missing2)), epsilon));
  return { direction, state: [m, v] };
}

const slots = ["first_moment", "second_moment"] as const;
/** `1 - βᵗ`: by what an average that started at zero falls short. In float32 the second would be off by 1e-5 in the first updates. */
const numbers = (update: number) => [beta1, beta2].map((beta) => 1 - beta ** update);

/**
 * Adam, with the penalty in the gradient as in PyTorch:
 *
 *   g ← ∇ + λθ;   m ← β₁m + (1-β₁)g;   v ← β₂v + (1-β₂)g²;   θ ← θ - η m̂ / (√v̂ + ε)
 *
 * Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1.
 */
export const adam: Optimizer = {
  slots,
  numbers,
  next(inputs, { weightDecay }) {
    const { parameter, gradient, learningRate } = inputs;
    const g = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
    const { direction, state } = adaptiveStep(g, inputs);
    return { parameter: sub(parameter, mul(direction, learningRate)), state };
  },
};

/**
 * Adam with the penalty apart from the gradient: `θ ← θ - ηλθ` first.
 *
 * Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2, in PyTorch's form without a separate multiplier.
 */
export const adamW: Optimizer = {
  slots,
  numbers,
  next(inputs, { weightDecay }) {
    const { parameter, gradient, learningRate } = inputs;
    const { direction, state } = adaptiveStep(gradient, inputs);
    const decayed = weightDecay === 0 ? parameter : sub(parameter, mul(parameter, mul(learningRate, weightDecay)));
    return { parameter: sub(decayed, mul(direction, learningRate)), state };
  },
};
