import { type Expr, minimum } from "../ops/index.js";
import { checkPercentile, energyOf } from "./activations.js";
import { percentile } from "./fit/rows.js";
import { fittedTensor, lastLayerOf } from "./needed.js";
import { defineScore, type Head } from "./types.js";

/**
 * ReAct: energy after clipping the features,
 *
 *   s(x) = -log Σ_c exp(W min(z, c) + b)_c
 *
 * where c is a percentile of all features of the sampled in-distribution images, interpolated linearly. Out-of-distribution
 * images have a few features far above it. Sun, Guo and Li, "ReAct: Out-of-distribution Detection With Rectified
 * Activations", NeurIPS 2021. Higher means more out-of-distribution; any real number.
 *
 * @param features  float [N, D]
 * @param clip      scalar
 * @returns [N]
 */
export function react(features: Expr, head: Head, clip: Expr): Expr {
  return energyOf(minimum(features, clip), head);
}

export const reactScore = defineScore({
  name: "react",
  title: "ReAct",
  source: "Sun, Guo and Li, NeurIPS 2021",
  uses: ["features", "head"],
  reads: ["sample"],
  defaults: { percentile: 90 },
  check: checkPercentile("react"),
  fit: ({ sample }, options) => ({
    clip: { dtype: "float64", dims: [], data: Float64Array.of(percentile(sample.features, options.percentile)) },
  }),
  expression: (inputs, _, fitted) => {
    const { features, head } = lastLayerOf(inputs, "react");
    return react(features, head, features.builder.constant(fittedTensor(fitted, "clip", "react")));
  },
});
