import { add, div, type Expr, first, log, softmax, sub } from "../../ops/index.js";
import { entropy } from "../entropy.js";

/**
 * Mutual information of the prediction and the network, from T networks drawn by Monte-Carlo dropout or trained apart: how much they
 * disagree,
 *
 *   s(x) = H( mean_t p_t ) - mean_t H( p_t ),      p_t = softmax(f_t(x))
 *
 * Houlsby, Huszár, Ghahramani and Lengyel, 2011; for segmentation by dropout Mukhoti and Gal, "Evaluating Bayesian Deep Learning Methods for
 * Semantic Segmentation", 2018 ("Bayesian DeepLab"). Higher means more out-of-distribution; in [0, log min(T, K)], up to rounding.
 *
 * @param samples  logits of T ≥ 1 networks, each float [N, K] or [N, K, H, W]
 * @returns [N] or [N, H, W]
 */
export function mutualInformation(samples: readonly Expr[]): Expr {
  const mean = (terms: readonly Expr[]) => div(terms.slice(1).reduce(add, first(terms)), terms.length);
  // The logarithm of probabilities is a logit of theirs.
  const together = entropy(log(mean(samples.map((logits) => softmax(logits)))));
  return sub(together, mean(samples.map((logits) => entropy(logits))));
}
