import { type Expr, gather, mul, neg, sum } from "../ops/index.js";
import { ClassMeans, images } from "./fit/rows.js";
import { featuresOf, fittedTensor, predictedClass } from "./needed.js";
import { defineScore } from "./types.js";

/**
 * SHE, simplified Hopfield energy: how little the features resemble the stored pattern of the predicted class,
 *
 *   s(x) = -⟨z, m_ŷ⟩,      m_c = mean of the features of the images of class c that the model classifies correctly
 *
 * Zhang et al., "Out-of-Distribution Detection based on In-Distribution Data Patterns Memorization with Modern Hopfield
 * Energy", ICLR 2023. Higher means more out-of-distribution; any real number, ≤ 0 for features
 * after ReLU.
 *
 * @param logits    float [N, K]
 * @param features  float [N, D]
 * @param patterns  m, float [K, D]
 * @returns [N]
 */
export function she(logits: Expr, features: Expr, patterns: Expr): Expr {
  return neg(sum(mul(features, gather(patterns, predictedClass(logits), 0)), { axes: [1] }));
}

export const sheScore = defineScore({
  name: "she",
  title: "Simplified Hopfield energy",
  source: "Zhang et al., ICLR 2023",
  uses: ["features", "labels"],
  reads: ["sample"],
  defaults: {},
  /** @throws DataError when no sampled image of a class is classified correctly */
  fit: ({ head: { classes, dimension }, sample }) => {
    const patterns = new ClassMeans(classes, dimension);
    for (const { features, label, predicted } of images(sample)) {
      if (predicted === label) patterns.add(features, label);
    }
    const data = patterns.means("she", "a correctly classified image of class");
    return { patterns: { dtype: "float64", dims: [classes, dimension], data } };
  },
  expression: (inputs, _, fitted) => {
    const { features } = featuresOf(inputs, "she");
    return she(inputs.logits, features, features.builder.constant(fittedTensor(fitted, "patterns", "she")));
  },
});
