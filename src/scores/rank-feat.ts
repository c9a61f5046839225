import { OptionError } from "../errors.js";
import {
  abs,
  div,
  type Expr,
  first,
  integers,
  matMul,
  maximum,
  mean,
  mul,
  reduceMax,
  square,
  squeeze,
  sub,
  sum,
  tensorOf,
  transposeLast,
} from "../ops/index.js";
import { energyOf } from "./activations.js";
import { featureMapOf } from "./needed.js";
import { defineScore, type Head } from "./types.js";

type RankFeatOptions = {
  /** Steps of the power iteration, each one product with X and one with Xᵀ. */
  readonly iterations: number;
};

/**
 * RankFeat: energy after taking the leading singular part off the feature map,
 *
 *   s(x) = -log Σ_c exp(W z̃ + b)_c,      z̃ = mean over positions of X - σ₁ u₁ v₁ᵀ
 *
 * where X [C, H·W] is the map whose mean over positions are the features. Out-of-distribution images have a larger σ₁, and much of
 * their confidence comes from it. Song, Sebe and Wang, "RankFeat: Rank-1 Feature Removal for Out-of-distribution Detection",
 * NeurIPS 2022; of the last block alone, while the authors' best variant also averages with the logits of the block before.
 * Higher means more out-of-distribution; any real number.
 *
 * As z̃ = mean X - X v₁ · mean v₁, only v₁ is needed: power iteration v ← Xᵀ X v, as in the authors' fast variant and with their 20
 * steps. Each step shrinks what is not v₁ by (σ₂/σ₁)². Where σ₂ = σ₁ there is no leading part, and the score depends on the start.
 *
 * @param map  float [N, C, H, W]
 * @returns [N]
 */
export function rankFeat(map: Expr, head: Head, { iterations }: RankFeatOptions): Expr {
  const { builder } = map;
  const shape = integers(builder, [0, head.dimension, -1]);
  const x = first(builder.op("Reshape", [map, shape]));
  let channels = builder.constant(startingWeights(head.dimension));
  let [positions, product] = [channels, channels];
  for (let step = 0; step < iterations; step++) {
    positions = scaledToOne(matMul(channels, x));
    product = matMul(x, transposeLast(positions));
    channels = scaledToOne(transposeLast(product));
  }
  // `positions` is v₁ up to its length. The largest entry is 1, so that its square is at least 1, but for a map of zeros.
  const squaredLength = maximum(sum(square(positions), { axes: [2] }), 1);
  const removed = mul(squeeze(product, [2]), div(mean(positions, { axes: [2] }), squaredLength));
  return energyOf(sub(mean(x, { axes: [2] }), removed), head);
}

/**
 * Weights of the channels [1, 1, C] whose sum over the channels the iteration starts from. All are positive, as u₁ is where X comes from a
 * ReLU; they differ without a pattern, as channels that are each other's negative would leave nothing of a plain mean.
 */
function startingWeights(channels: number) {
  const goldenRatio = (1 + Math.sqrt(5)) / 2;
  const weights = Array.from({ length: channels }, (_, channel) => 1 + ((channel * goldenRatio) % 1));
  return tensorOf(weights, "float32", [1, 1, channels]);
}

/** Below every map that means something, and above what float32 divides by without overflow. */
const nearZero = 1e-37;

/** Rows [N, 1, L] divided by their largest absolute value, which, unlike their length, neither overflows nor vanishes; zeros stay. */
function scaledToOne(rows: Expr): Expr {
  return div(rows, maximum(reduceMax(abs(rows), { axes: [2], keep: true }), nearZero));
}

/** The steps are unrolled: a graph of more would load slowly, and converged maps need none. */
const mostIterations = 200;

function check({ iterations }: RankFeatOptions): void {
  if (Number.isInteger(iterations) && iterations >= 1 && iterations <= mostIterations) return;
  throw new OptionError({
    where: "rankfeat score",
    expected: `a whole number of iterations from 1 to ${mostIterations}`,
    received: String(iterations),
  });
}

export const rankFeatScore = defineScore({
  name: "rankfeat",
  title: "RankFeat",
  source: "Song, Sebe and Wang, NeurIPS 2022",
  uses: ["map", "head"],
  defaults: { iterations: 20 },
  check,
  expression: (inputs, options) => {
    const { map, head } = featureMapOf(inputs, "rankfeat");
    return rankFeat(map, head, options);
  },
});
