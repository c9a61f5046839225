import { div, type Expr, largest, matMul, maximum, mean, mul, sqrt, square, sum } from "../ops/index.js";
import { energy } from "./energy.js";
import { type BankOptions, bankOf, checkSharedBank } from "./fit/bank.js";
import type { FitData } from "./fit/fit-data.js";
import { featuresOf, fittedTensor } from "./needed.js";
import { defineScore, type Fitted } from "./types.js";

/**
 * Energy, guided by the similarity to in-distribution images that have a low energy themselves,
 *
 *   s(x) = E(x) · G(x),      G(x) = mean of the k largest over i of -E(x_i) · cos(z(x), z(x_i))
 *
 * with E = -log Σ_c exp f_c and the features z. Park, Jung and Teoh, "Nearest Neighbor Guidance for Out-of-Distribution
 * Detection", ICCV 2023; the paper's score is -s. Higher means more out-of-distribution; any real number,
 * and 0 for features that are all 0.
 *
 * Logits float [N, K], features float [N, D]; scores [N]. Beside them an array of [N, rows of the bank] is held.
 */
export const nnGuideScore = defineScore({
  name: "nnguide",
  title: "Nearest neighbour guidance",
  source: "Park, Jung and Teoh, ICCV 2023",
  uses: ["features"],
  reads: ["images", "sample"],
  defaults: { k: 10, share: 1, bank: 50_000 },
  check: (options) => checkSharedBank("nnguide", options),
  fit: fitBank,
  expression: (inputs, { k }, fitted) => {
    const { features } = featuresOf(inputs, "nnguide");
    const bank = features.builder.constant(fittedTensor(fitted, "bank", "nnguide"));
    const similarities = matMul(unit(features), bank);
    return mul(energy(inputs.logits), mean(largest(similarities, k).values, { axes: [1] }));
  },
});

/** Shorter features than this are as good as 0. */
const shortest = 1e-12;

function unit(z: Expr): Expr {
  return div(z, maximum(sqrt(sum(square(z), { axes: [1], keep: true })), shortest));
}

/** The directions of the bank's images, each times its negative energy, as the columns of [D, rows]. */
function fitBank(
  { head: { dimension }, images: all, sample }: FitData<"images" | "sample">,
  options: BankOptions,
): Fitted {
  const images = bankOf("nnguide", all, sample, options);
  const bank = new Float32Array(dimension * images.length);
  images.forEach(({ features: z, logits }, column) => {
    const factor = logSumExpOf(logits) / Math.max(Math.hypot(...z), shortest);
    z.forEach((value, axis) => {
      bank[axis * images.length + column] = value * factor;
    });
  });
  return { bank: { dtype: "float32", dims: [dimension, images.length], data: bank } };
}

function logSumExpOf(f: Float32Array): number {
  const top = f.reduce((a, b) => Math.max(a, b));
  return top + Math.log(f.reduce((total, value) => total + Math.exp(value - top), 0));
}
