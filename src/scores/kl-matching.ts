import {
  add,
  type Expr,
  exp,
  log,
  matMul,
  maximum,
  mul,
  neg,
  oneHot,
  reduceMax,
  reduceMin,
  softplus,
  sub,
  sum,
  transposeLast,
} from "../ops/index.js";
import { ClassMeans, images, softmax } from "./fit/rows.js";
import { fittedTensor, predictedClass } from "./needed.js";
import { defineScore } from "./types.js";

/** exp underflows to 0 in every float type well before this, so the bound changes no value; it keeps 0 · -∞ away. */
const leastLogProbability = -1e4;
/** Below every sum of probabilities that matters beside 1; its logarithm is finite. */
const leastRest = 1e-37;

/**
 * KL matching: how far the softmax is from the nearest of the mean softmaxes of the classes,
 *
 *   s(x) = min_c KL(p ‖ t_c) = min_c Σ_k p_k (log p_k - log t_ck),      p = softmax(f(x)),  0 log 0 = 0
 *
 * with t_c the mean p of the images that the model predicts as c. Hendrycks et al., "Scaling Out-of-Distribution
 * Detection for Real-World Settings", ICML 2022. Higher means more out-of-distribution; ≥ 0 but for rounding.
 *
 * @param logits        float [N, K]
 * @param logTemplates  log t, finite float [K, K], one row for each predicted class
 * @returns [N]
 */
export function klMatching(logits: Expr, logTemplates: Expr): Expr {
  const logP = logProbabilities(logits, logTemplates.dims[1] as number);
  const p = exp(logP);
  const crossEntropies = neg(matMul(p, transposeLast(logTemplates)));
  return add(reduceMin(crossEntropies, { axes: [1] }), sum(mul(p, logP), { axes: [1] }));
}

/**
 * log softmax. That of the largest probability is -log(1 + r), r the sum of exp(f - max f) over the others: formed as
 * softplus(log r), because the rounding of a sum 1 + r is as large as the divergence of a confident image (on CIFAR-10
 * a relative error of 5e-5).
 */
function logProbabilities(logits: Expr, classes: number): Expr {
  const below = sub(logits, reduceMax(logits, { axes: [1], keep: true }));
  const others = mul(exp(below), sub(1, oneHot(predictedClass(logits), classes)));
  const rest = maximum(sum(others, { axes: [1], keep: true }), leastRest);
  return maximum(sub(below, softplus(log(rest))), leastLogProbability);
}

export const klMatchingScore = defineScore({
  name: "kl-matching",
  title: "KL matching",
  source: "Hendrycks et al., ICML 2022",
  uses: [],
  reads: ["sample"],
  defaults: {},
  /** @throws DataError when no sampled image is predicted as a class */
  fit: ({ head: { classes }, sample }) => {
    const templates = new ClassMeans(classes, classes);
    for (const { logits, predicted } of images(sample)) templates.add(softmax(logits), predicted);
    const means = templates.means("kl-matching", "an image that the model predicts as class");
    // A probability that is 0 even in float64 counts as the smallest one: finite, and farther than any other.
    const logs = means.map((mean) => Math.log(Math.max(mean, Number.MIN_VALUE)));
    return { logTemplates: { dtype: "float64", dims: [classes, classes], data: logs } };
  },
  expression: ({ logits }, _, fitted) =>
    klMatching(logits, logits.builder.constant(fittedTensor(fitted, "logTemplates", "kl-matching"))),
});
