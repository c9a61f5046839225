import { div, matMul, mul, oneHot, reshape, sum, tensorOf } from "../ops/index.js";
import { crossEntropy } from "./cross-entropy.js";
import { needed } from "./needed.js";
import { defineLoss } from "./types.js";

/**
 * Chances by which outliers are given classes: the rarer a class, the more of them,
 *
 *   Γ_c = max β + min β - β_c,  divided by Σ Γ,      β_c = share of class c in the training data
 *
 * @param classCounts  training images per class, K numbers with a sum above 0
 * @returns K numbers ≥ 0 that sum to 1
 */
export function complementaryChances(classCounts: readonly number[]): number[] {
  const extremes = Math.max(...classCounts) + Math.min(...classCounts);
  const complements = classCounts.map((count) => extremes - count);
  const total = complements.reduce((a, b) => a + b);
  return complements.map((complement) => complement / total);
}

/**
 * Open-sampling: outliers with random classes fill up the rare classes. Each outlier gets a new class y ~ Γ in every update,
 *
 *   Σ_out Γ_y · -log softmax(f)_y  /  Σ_out Γ_y
 *
 * Wei, Tao, Xie, Feng and An, "Open-Sampling: Exploring Out-of-Distribution Data for Re-balancing Long-tailed Datasets",
 * ICML 2022. The authors weigh by K·Γ_c/ΣΓ; the factor drops out of the weighted mean, which is PyTorch's.
 */
export const openSampling = defineLoss({
  name: "open-sampling",
  title: "Open-sampling",
  source: "Wei, Tao, Xie, Feng and An, ICML 2022",
  weight: 1,
  defaults: {},
  score: "msp",
  hasMargins: false,
  usesPrior: false,
  outlierLabels: complementaryChances,
  expression({ outlierLogits, outlierLabels, classCounts }) {
    const [count, classes] = outlierLogits.dims as [number, number];
    const labels = needed(outlierLabels, "open-sampling", "a class for each outlier");
    const chances = labels.builder.constant(tensorOf(complementaryChances(classCounts), "float32", [classes, 1]));
    const weight = reshape(matMul(oneHot(labels, classes), chances), [count]);
    const cost = crossEntropy(outlierLogits, labels, { reduce: false });
    return div(sum(mul(weight, cost)), sum(weight));
  },
});
