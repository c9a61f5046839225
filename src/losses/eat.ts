import { add, type Expr, logSumExp, mean, mul, reduceMax, slice, sub } from "../ops/index.js";
import { tailClasses } from "./class-ranks.js";
import { crossEntropy } from "./cross-entropy.js";
import { needed } from "./needed.js";
import { count, notNegative, share } from "./ranges.js";
import { defineLoss } from "./types.js";

export interface EatOptions {
  /** Outputs that stand for outliers, ≥ 1; the authors take 3 for CIFAR-10-LT and 30 for CIFAR-100-LT. */
  readonly abstentionClasses: number;
  /** Weight of the cross entropy of outliers. */
  readonly outlierWeight: number;
  /** Weight of the cross entropy of pasted images. */
  readonly pasteWeight: number;
  /** Share of the classes that count as rare and are pasted onto others, in (0, 1]. */
  readonly tailShare: number;
}

/**
 * Mean cross entropy of outliers whose label is the abstention class that is largest at the moment,
 *
 *   mean_out [ logsumexp(f) - max_{c > K} f_c ]
 *
 * No gradient goes into the choice, as a label is a constant.
 *
 * @param outlierLogits  float32 [M, K + A], A ≥ 1
 */
export function virtualLabelCost(outlierLogits: Expr, classes: number): Expr {
  const abstaining = slice(outlierLogits, { axes: [1], starts: [classes], ends: [outlierLogits.dims[1] as number] });
  return mean(sub(logSumExp(outlierLogits, { axes: [1] }), reduceMax(abstaining, { axes: [1] })));
}

/**
 * EAT ("expand and augment"): several abstention classes divide the outliers among themselves, and images of rare classes,
 * pasted onto frequent ones and onto outliers, keep their class.
 *
 *   outlierWeight · CE(outliers, largest abstention class)  +  pasteWeight · CE(pasted, the rare class)
 *
 * Wei, Wang and Zhang, "EAT: Towards Long-Tailed Out-of-Distribution Detection", AAAI 2024.
 */
export const eat = defineLoss<EatOptions>({
  name: "eat",
  title: "EAT",
  source: "Wei, Wang and Zhang, AAAI 2024",
  weight: 1,
  defaults: { abstentionClasses: 3, outlierWeight: 0.05, pasteWeight: 0.05, tailShare: 0.4 },
  ranges: { abstentionClasses: count, outlierWeight: notNegative, pasteWeight: notNegative, tailShare: share },
  score: "abstention",
  hasMargins: false,
  usesPrior: false,
  views: 2,
  abstentionClasses: (options) => options.abstentionClasses,
  pastedClasses: (classCounts, { tailShare }) => tailClasses(classCounts, tailShare),
  expression({ outlierLogits, classCounts, pasted }, { outlierWeight, pasteWeight }) {
    const { logits, labels } = needed(pasted, "eat", "images of rare classes pasted onto others");
    return add(
      mul(virtualLabelCost(outlierLogits, classCounts.length), outlierWeight),
      mul(crossEntropy(logits, labels), pasteWeight),
    );
  },
});
