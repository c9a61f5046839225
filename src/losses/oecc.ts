import { abs, add, mul, reduceMax, softmax, square, sub, sum } from "../ops/index.js";
import { notNegative } from "./ranges.js";
import { defineLoss } from "./types.js";

export interface OeccOptions {
  /** Weight of the term that draws the confidence on in-distribution images to the training accuracy. */
  readonly inWeight: number;
  /** Weight of the term that draws predictions on outliers to the uniform distribution. */
  readonly outWeight: number;
  /** Accuracy of the model on its training data before this training, in [0, 1]; `tune` measures it unless it is given. */
  readonly trainingAccuracy: number;
}

/**
 * Outlier exposure with confidence control: no more confidence in-distribution than accuracy warrants, and none on outliers,
 *
 *   inWeight · Σ_in (max_c p_c - A)²  +  outWeight · Σ_out Σ_c |p_c - 1/K|,      p = softmax(f)
 *
 * Papadopoulos, Rajati, Shaikh and Wang, "Outlier exposure with confidence control for out-of-distribution detection",
 * Neurocomputing 441, 2021. Sums, not means, as in the authors' code: the weights belong to batches of 128 and 256. A is
 * the accuracy on the training data before this training, by their definition; it was 0.9486 for CIFAR-10, the default here, and 0.7573
 * for CIFAR-100.
 */
export const oecc = defineLoss<OeccOptions>({
  name: "oecc",
  title: "Outlier exposure with confidence control",
  source: "Papadopoulos, Rajati, Shaikh and Wang, Neurocomputing 2021",
  weight: 1,
  defaults: { inWeight: 0.07, outWeight: 0.05, trainingAccuracy: 0.9486 },
  ranges: { inWeight: notNegative, outWeight: notNegative },
  score: "msp",
  hasMargins: false,
  usesPrior: false,
  accuracyOption: "trainingAccuracy",
  expression({ logits, outlierLogits }, { inWeight, outWeight, trainingAccuracy }) {
    const classes = outlierLogits.dims[1] as number;
    const confidence = reduceMax(softmax(logits), { axes: [1] });
    const control = sum(square(sub(confidence, trainingAccuracy)));
    const exposure = sum(abs(sub(softmax(outlierLogits), 1 / classes)));
    return add(mul(control, inWeight), mul(exposure, outWeight));
  },
});
