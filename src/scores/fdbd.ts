import { UnsupportedError } from "../errors.js";
import { div, type Expr, gather, mul, reduceMax, sqrt, square, sub, sum } from "../ops/index.js";
import { featuresOf, fittedTensor, predictedClass } from "./needed.js";
import { defineScore, type Head } from "./types.js";

/**
 * fDBD: how close the features are to the decision boundaries, for their distance from the mean of the training
 * features,
 *
 *   s(x) = - 1/(K-1) · Σ_{c≠ŷ} (f_ŷ - f_c) / ‖w_ŷ - w_c‖  /  ‖z - μ‖
 *
 * Liu and Qin, "Fast Decision Boundary based Out-of-Distribution Detector", ICML 2024. Higher means more
 * out-of-distribution; ≤ 0. Infinite where z = μ. Two classes of equal weights have no boundary between them; such a
 * pair counts as 0.
 *
 * @param logits         float [N, K]
 * @param features       float [N, D]
 * @param mean           μ, float [D]
 * @param boundaryRates  for classes i and j, 1/((K-1) ‖w_i - w_j‖); 0 for i = j; float [K, K]
 * @returns [N]
 */
export function fdbd(logits: Expr, features: Expr, mean: Expr, boundaryRates: Expr): Expr {
  const below = sub(logits, reduceMax(logits, { axes: [1], keep: true }));
  const toBoundaries = sum(mul(below, gather(boundaryRates, predictedClass(logits), 0)), { axes: [1] });
  return div(toBoundaries, sqrt(sum(square(sub(features, mean)), { axes: [1] })));
}

/** 1/((K-1) ‖w_i - w_j‖) for all pairs of classes, 0 for a class and itself; [K, K]. */
function boundaryRatesOf({ weight, classes, dimension }: Head): Float64Array {
  const rates = new Float64Array(classes * classes);
  for (let i = 0; i < classes; i++) {
    for (let j = 0; j < i; j++) {
      let squared = 0;
      for (let axis = 0; axis < dimension; axis++) {
        squared += ((weight[i * dimension + axis] as number) - (weight[j * dimension + axis] as number)) ** 2;
      }
      const rate = squared === 0 ? 0 : 1 / ((classes - 1) * Math.sqrt(squared));
      rates[i * classes + j] = rate;
      rates[j * classes + i] = rate;
    }
  }
  return rates;
}

export const fdbdScore = defineScore({
  name: "fdbd",
  title: "Fast decision boundary detector",
  source: "Liu and Qin, ICML 2024",
  uses: ["features", "head"],
  reads: ["mean"],
  defaults: {},
  /** @throws UnsupportedError for a model of one class, which has no decision boundary */
  fit: ({ head, mean }) => {
    const { classes, dimension } = head;
    if (classes < 2) {
      throw new UnsupportedError({
        where: "fdbd score",
        expected: "a model of at least two classes",
        received: String(classes),
        hint: "a single class has no decision boundary; use another score",
      });
    }
    return {
      mean: { dtype: "float64", dims: [dimension], data: mean },
      boundaryRates: { dtype: "float64", dims: [classes, classes], data: boundaryRatesOf(head) },
    };
  },
  expression: (inputs, _, fitted) => {
    const { features } = featuresOf(inputs, "fdbd");
    const constant = (name: string) => features.builder.constant(fittedTensor(fitted, name, "fdbd"));
    return fdbd(inputs.logits, features, constant("mean"), constant("boundaryRates"));
  },
});
