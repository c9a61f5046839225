import { add, type Expr, mul, neg, softplus } from "../../ops/index.js";
import { outlierMargin } from "../../scores/index.js";
import { needed } from "../needed.js";
import { weightedMean } from "./masks.js";
import type { PixelLossInputs } from "./types.js";

/**
 * Mean cross entropy of the head that tells outlier pixels from inlier pixels; void pixels do not count.
 *
 * @throws UnsupportedError without the head
 */
export function outlierHeadCost({ outlierLogits, inlier, outlier }: PixelLossInputs, loss: string): Expr {
  const margin = outlierMargin(needed(outlierLogits, loss, "a head that tells outliers"));
  const cost = add(mul(inlier, softplus(margin)), mul(outlier, softplus(neg(margin))));
  return weightedMean(cost, add(inlier, outlier));
}
