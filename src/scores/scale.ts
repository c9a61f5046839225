import { type Expr, mul } from "../ops/index.js";
import { checkPercentile, energyOf, type Percentile } from "./activations.js";
import { scaleOf } from "./ash.js";
import { lastLayerOf } from "./needed.js";
import { defineScore, type Head } from "./types.js";

/**
 * SCALE: energy after scaling all features of an image,
 *
 *   s(x) = -log Σ_c exp(r W z + b)_c,      r = exp(Σz / Σ kept z)
 *
 * where the n = D - round(D·p/100) largest activations are kept, and all that tie with the last of them. Unlike ASH-S
 * it prunes nothing. Xu, Chen, Franchi and Yao, "Scaling for Training Time and Post-hoc Out-of-distribution Detection
 * Enhancement", ICLR 2024. Higher means more out-of-distribution. The features are those after ReLU, z ≥ 0.
 *
 * @param features  float [N, D]
 * @returns [N]
 */
export function scale(features: Expr, head: Head, percentile: Percentile): Expr {
  return energyOf(mul(features, scaleOf(features, head, percentile)), head);
}

export const scaleScore = defineScore({
  name: "scale",
  title: "SCALE",
  source: "Xu, Chen, Franchi and Yao, ICLR 2024",
  uses: ["features", "head"],
  defaults: { percentile: 85 },
  check: checkPercentile("scale"),
  expression: (inputs, options) => {
    const { features, head } = lastLayerOf(inputs, "scale");
    return scale(features, head, options);
  },
});
