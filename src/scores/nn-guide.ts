import { OptionError } from "../errors.js";
import { div, type Expr, largest, matMul, maximum, mean, mul, sqrt, square, sum } from "../ops/index.js";
import { energy } from "./energy.js";
import type { FitData } from "./fit/fit-data.js";
import { featuresOf, fittedTensor } from "./needed.js";
import { defineScore, type Fitted } from "./types.js";

type NnGuideOptions = {
  /** Nearest images of the bank that are averaged, ≥ 1. */
  readonly k: number;
  /** Most images in the bank, ≥ 1. */
  readonly bank: number;
};

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
  defaults: { k: 10, bank: 50_000 },
  check: checkOptions,
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

function checkOptions(options: NnGuideOptions): void {
  for (const name of ["k", "bank"] as const) {
    const value = options[name];
    if (Number.isInteger(value) && value >= 1) continue;
    throw new OptionError({
      where: "nnguide score",
      expected: `${name} to be a whole number ≥ 1`,
      received: String(value),
    });
  }
}

/**
 * The directions of the features, each times the negative energy, as the columns of [D, rows]. Where the sample is larger
 * than the bank, rows at even distances of it are taken.
 *
 * @throws OptionError for a k larger than the bank
 */
function fitBank({ head: { classes, dimension }, sample }: FitData, options: NnGuideOptions): Fitted {
  const rows = Math.min(options.bank, sample.count);
  if (options.k > rows) {
    throw new OptionError({
      where: "nnguide score",
      expected: `a k of at most ${rows}, the number of images in the bank`,
      received: String(options.k),
      hint: `choose a smaller k, or ${rows < sample.count ? "a larger bank" : "fit it to more images"}`,
    });
  }
  const bank = new Float32Array(dimension * rows);
  for (let column = 0; column < rows; column++) {
    const row = Math.floor((column * sample.count) / rows);
    const z = sample.features.subarray(row * dimension, (row + 1) * dimension);
    const f = sample.logits.subarray(row * classes, (row + 1) * classes);
    const factor = logSumExpOf(f) / Math.max(Math.hypot(...z), shortest);
    z.forEach((value, axis) => {
      bank[axis * rows + column] = value * factor;
    });
  }
  return { bank: { dtype: "float32", dims: [dimension, rows], data: bank } };
}

function logSumExpOf(f: Float32Array): number {
  const top = f.reduce((a, b) => Math.max(a, b));
  return top + Math.log(f.reduce((total, value) => total + Math.exp(value - top), 0));
}
