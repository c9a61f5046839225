import { float, int } from "../onnx/types.js";
import {
  add,
  div,
  type Expr,
  first,
  gather,
  largest,
  neg,
  slice,
  sqrt,
  square,
  sub,
  sum,
  tensorOf,
  unsqueeze,
} from "../ops/index.js";
import { type BankOptions, bankOf, checkSharedBank } from "./fit/bank.js";
import type { FitData } from "./fit/fit-data.js";
import { featuresOf, fittedTensor } from "./needed.js";
import { defineScore, type Fitted } from "./types.js";

/**
 * Distance to the k-th nearest in-distribution image, on directions of features,
 *
 *   s(x) = k-th smallest over i of |u(x) - u(x_i)|,      u = z / (|z| + 1e-10)
 *
 * Sun, Ming, Zhu and Li, "Out-of-Distribution Detection with Deep Nearest Neighbors", ICML 2022, algorithm 1. Their code has k = 50
 * on CIFAR and 1000 on ImageNet, with all images in the bank (share 1, their α). Higher means more out-of-distribution; in [0, 2], and at
 * most √2 for features after ReLU.
 *
 * Features float [N, D]; scores [N]. Beside them the products [N, rows of the bank] are held.
 */
export const knnScore = defineScore({
  name: "knn",
  title: "Nearest neighbours",
  source: "Sun, Ming, Zhu and Li, ICML 2022",
  uses: ["features"],
  reads: ["images", "sample"],
  defaults: { k: 50, share: 1, bank: 50_000 },
  check: (options) => checkSharedBank("knn", options),
  fit: fitBank,
  expression: (inputs, { k }, fitted) => {
    const { features } = featuresOf(inputs, "knn");
    const constant = (name: string) => features.builder.constant(fittedTensor(fitted, name, "knn"));
    const length = sqrt(sum(square(features), { axes: [1], keep: true }));
    const u = div(features, add(length, shortest));
    return neighbourDistance(u, { bank: constant("bank"), halfSquares: constant("halfSquares"), k });
  },
});

/** Added to lengths, so that features of zeros have the direction 0. */
const shortest = 1e-10;

/** How many ranks the products may be off: see {@link neighbourDistance}. */
const slack = 8;

/**
 * Distance of each row of u [N, D] to the k-th nearest row v of the bank [M, D].
 *
 * u·v - |v|²/2 ranks the bank, as |u - v|² = |u|² + |v|² - 2 u·v: one product. But near neighbours differ in the last digits of a float32
 * product only, which puts them in a wrong order. So the rows of the ranks around k are compared again, by distances
 * computed from the differences, [N, 2·slack + 1, D]. Distances from 0.01 on come out to six digits, even in tight clusters.
 *
 * @param halfSquares  |v|²/2, [M]
 */
function neighbourDistance(u: Expr, { bank, halfSquares, k }: { bank: Expr; halfSquares: Expr; k: number }): Expr {
  const { builder } = u;
  const [from, to] = [Math.max(0, k - 1 - slack), Math.min(bank.dims[0] as number, k + slack)];
  const closeness = first(builder.op("Gemm", [u, bank, halfSquares], { transB: int(1), beta: float(-1) }));
  const ranks = largest(closeness, to).indices;
  const around = slice(ranks, { axes: [1], starts: [from], ends: [to] });
  const distances = sqrt(sum(square(sub(unsqueeze(u, [1]), gather(bank, around, 0))), { axes: [2] }));
  // Negated, as the largest come first.
  const nearest = largest(neg(distances), k - from).values;
  return neg(gather(nearest, builder.constant(tensorOf(k - from - 1, "int64")), 1));
}

/** Directions of the bank's images, and half of their squared lengths, which are below one for short features. */
function fitBank(
  { head: { dimension }, images: all, sample }: FitData<"images" | "sample">,
  options: BankOptions,
): Fitted {
  const images = bankOf("knn", all, sample, options);
  const data = new Float32Array(images.length * dimension);
  const halfSquares = new Float32Array(images.length);
  images.forEach(({ features: z }, row) => {
    const length = Math.hypot(...z) + shortest;
    z.forEach((value, axis) => {
      data[row * dimension + axis] = value / length;
    });
    halfSquares[row] = (Math.hypot(...z) / length) ** 2 / 2;
  });
  return {
    bank: { dtype: "float32", dims: [images.length, dimension], data },
    halfSquares: { dtype: "float32", dims: [images.length], data: halfSquares },
  };
}
