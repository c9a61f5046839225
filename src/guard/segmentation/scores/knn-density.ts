import { DataError } from "../../../errors.js";
import {
  add,
  div,
  type Expr,
  exp,
  largest,
  log,
  matMul,
  maximum,
  mean,
  mul,
  neg,
  reshape,
  sqrt,
  square,
  squeeze,
  sub,
  sum,
  transpose,
  unsqueeze,
} from "../../../ops/index.js";
import { checkBank } from "../../../scores/fit/bank.js";
import type { Fitted } from "../../../scores/index.js";
import { fittedTensor } from "../../../scores/needed.js";
import { resizeLogits } from "../../../training/segmentation/resize-logits.js";
import { definePixelScore, type PixelScoreInputs } from "./types.js";

/** Added to lengths, so that features of zeros have the direction 0. */
const shortest = 1e-10;
/** Positions of one image that are compared with the bank; a larger map is brought to fewer first. */
const mostPositions = 8192;

/**
 * Density of a pixel's features among in-distribution ones, by the nearest of them,
 *
 *   s(x) = -log mean_{i of the k nearest} exp(-|u - u_i|),      u = z / |z|
 *
 * After the "kNN embedding, density" of Fishyscapes (Blum, Sarlin, Nieto, Siegwart and Cadena, IJCV 2021), whose kernel is that of Mandelbaum and
 * Weinshall, "Distance-based Confidence Score for Neural Network Classifiers", 2017; their code is not public, so details differ: directions
 * instead of features, and a bank of `bank` features drawn from all positions. Computed at the features' size, in at most 8192 positions, and
 * brought to the image's. Distances come from products, in float32: below about 0.0005 they are rounding. In [0, 2].
 */
export const knnDensityScore = definePixelScore({
  name: "knn-density",
  title: "Density by nearest neighbours",
  source: "after Blum et al., IJCV 2021",
  uses: ["features"],
  reads: ["bank"],
  defaults: { k: 20, bank: 5000 },
  check: (options) => checkBank("knn-density", options),
  fit: ({ bank }, options) => fitBank(bank, options),
  expression({ features, size }: PixelScoreInputs, { k }, fitted) {
    const fewer = atMost(features as Expr);
    const [, dimension, height, width] = fewer.dims as [unknown, number, number, number];
    const rows = reshape(transpose(fewer, [0, 2, 3, 1]), [-1, height * width, dimension]);
    const length = sqrt(sum(square(rows), { axes: [2], keep: true }));
    const u = div(rows, add(length, shortest));
    const bank = rows.builder.constant(fittedTensor(fitted, "bank", "knn-density"));
    const cosines = largest(matMul(u, transpose(bank, [1, 0])), k, 2).values;
    // |u - v|² = 2 - 2 u·v for directions; rounding may make it negative.
    const distances = sqrt(maximum(sub(2, mul(2, cosines)), 0));
    const scores = neg(log(mean(exp(neg(distances)), { axes: [2] })));
    return squeeze(resizeLogits(unsqueeze(reshape(scores, [-1, height, width]), [1]), size.height, size.width), [1]);
  },
});

function atMost(features: Expr): Expr {
  const [, , height, width] = features.dims as [unknown, unknown, number, number];
  const factor = Math.sqrt((height * width) / mostPositions);
  if (factor <= 1) return features;
  return resizeLogits(features, Math.floor(height / factor), Math.floor(width / factor));
}

/** @throws DataError for fewer positions than neighbours */
function fitBank(
  { features, dimension }: { readonly features: Float32Array; readonly dimension: number },
  { k, bank }: { readonly k: number; readonly bank: number },
): Fitted {
  const found = features.length / dimension;
  const count = Math.min(found, bank);
  if (count < k) {
    throw new DataError({
      where: "knn-density score",
      expected: `at least ${k} positions of pixels with a class, as many as neighbours`,
      received: String(count),
      hint: "fit it to more images, or choose a smaller k",
    });
  }
  const data = new Float32Array(count * dimension);
  for (let place = 0; place < count; place++) {
    const row = Math.floor((place * found) / count) * dimension;
    const z = features.subarray(row, row + dimension);
    const length = Math.hypot(...z) + shortest;
    z.forEach((value, axis) => {
      data[place * dimension + axis] = value / length;
    });
  }
  return { bank: { dtype: "float32", dims: [count, dimension], data } };
}
