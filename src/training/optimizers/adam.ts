import { add, div, type Expr, maximum, mul, sqrt, square, sub } from "../../ops/index.js";
import type { Optimizer, OptimizerOptions, UpdateInputs } from "./types.js";

// The values of the paper and of PyTorch; nothing here was ever trained with others.
const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/** The moving averages m and v of the gradient and its square. */
function moments(g: Expr, [m0, v0]: readonly Expr[]): readonly [m: Expr, v: Expr] {
  const m = add(mul(m0 as Expr, beta1), mul(g, 1 - beta1));
  const v = add(mul(v0 as Expr, beta2), mul(square(g), 1 - beta2));
  return [m, v];
}

/** `m̂ / (√v̂ + ε)` */
function adaptiveDirection(m: Expr, v: Expr, [missing1, missing2]: readonly Expr[]): Expr {
  return div(div(m, missing1 as Expr), add(sqrt(div(v, missing2 as Expr)), epsilon));
}

/** The penalty in the gradient: `∇ + λθ`. */
function penalised({ parameter, gradient }: UpdateInputs, { weightDecay }: OptimizerOptions): Expr {
  return weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
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
  next(inputs, options) {
    const { parameter, state, learningRate } = inputs;
    const [m, v] = moments(penalised(inputs, options), state);
    const direction = adaptiveDirection(m, v, inputs.numbers);
    return { parameter: sub(parameter, mul(direction, learningRate)), state: [m, v] };
  },
};

/**
 * Adam whose steps never grow: `v̄ ← max(v̄, v)` takes the place of v, before the correction, as in PyTorch.
 *
 * Reddi, Kale and Kumar, "On the Convergence of Adam and Beyond", ICLR 2018, algorithm 2.
 */
export const amsgrad: Optimizer = {
  slots: [...slots, "largest_second_moment"],
  numbers,
  next(inputs, options) {
    const { parameter, state, learningRate } = inputs;
    const [m, v] = moments(penalised(inputs, options), state);
    const largest = maximum(state[2] as Expr, v);
    const direction = adaptiveDirection(m, largest, inputs.numbers);
    return { parameter: sub(parameter, mul(direction, learningRate)), state: [m, v, largest] };
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
    const { parameter, gradient, state, learningRate } = inputs;
    const [m, v] = moments(gradient, state);
    const direction = adaptiveDirection(m, v, inputs.numbers);
    const decayed = weightDecay === 0 ? parameter : sub(parameter, mul(parameter, mul(learningRate, weightDecay)));
    return { parameter: sub(decayed, mul(direction, learningRate)), state: [m, v] };
  },
};
