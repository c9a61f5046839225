import { div, type Expr, equal, exp, mul, sum, where } from "../ops/index.js";
import { amongLargest, checkPercentile, countAbove, energyOf, type Percentile } from "./activations.js";
import { lastLayerOf } from "./needed.js";
import { defineScore, type Head } from "./types.js";

// Activation shaping: energy after all but the largest activations of each image are set to 0,
//
//   s(x) = -log Σ_c exp(W a(z) + b)_c
//
// with one a(z) for each variant below; n = D - round(D·p/100) activations are kept. Djurisic, Bozanic, Ashok and Liu,
// "Extremely Simple Activation Shaping for Out-of-Distribution Detection", ICLR 2023. The default percentiles are those
// the paper uses for ResNet-50 on ImageNet. Higher means more out-of-distribution. The paper's features are those after
// ReLU, z ≥ 0.
//
// Activations that tie with the last one kept are kept too, where the authors' code takes any n. That matters where
// fewer than n are above 0: P and S keep the same then, while B gives every activation the value that the authors' code
// gives to n of them.
//
// Features float [N, D]; scores [N], any real number.

/** Variant P, pruning: a(z) = z where z is among the n largest, 0 elsewhere. */
export function ashP(features: Expr, head: Head, percentile: Percentile): Expr {
  return energyOf(prune(features, head, percentile), head);
}

/** Variant B, binarizing: a(z) = Σz / n where z is among the n largest, 0 elsewhere. */
export function ashB(features: Expr, head: Head, percentile: Percentile): Expr {
  const count = countAbove(percentile, head.dimension);
  const share = div(sum(features, { axes: [1], keep: true }), count);
  return energyOf(where(amongLargest(features, count), share, 0), head);
}

/** Variant S, scaling: what variant P keeps, times exp(Σz / Σ kept z). */
export function ashS(features: Expr, head: Head, percentile: Percentile): Expr {
  return energyOf(mul(prune(features, head, percentile), scaleOf(features, head, percentile)), head);
}

/**
 * exp(Σz / Σ kept z), [N, 1]: between e and exp(D/n) for z ≥ 0, the larger the less the kept ones stand out; e where
 * all that is kept is 0.
 */
export function scaleOf(features: Expr, head: Head, percentile: Percentile): Expr {
  const over = { axes: [1], keep: true };
  const kept = sum(prune(features, head, percentile), over);
  const none = equal(kept, 0);
  return exp(where(none, 1, div(sum(features, over), where(none, 1, kept))));
}

function prune(features: Expr, { dimension }: Head, percentile: Percentile): Expr {
  return where(amongLargest(features, countAbove(percentile, dimension)), features, 0);
}

const variant = (
  name: "ash-p" | "ash-b" | "ash-s",
  title: string,
  percentile: number,
  shaped: (features: Expr, head: Head, percentile: Percentile) => Expr,
) =>
  defineScore({
    name,
    title,
    source: "Djurisic, Bozanic, Ashok and Liu, ICLR 2023",
    uses: ["features", "head"],
    defaults: { percentile },
    check: checkPercentile(name),
    expression: (inputs, options) => {
      const { features, head } = lastLayerOf(inputs, name);
      return shaped(features, head, options);
    },
  });

export const ashPScore = variant("ash-p", "ASH-P", 60, ashP);
export const ashBScore = variant("ash-b", "ASH-B", 65, ashB);
export const ashSScore = variant("ash-s", "ASH-S", 90, ashS);
