import { crossEntropy } from "../losses/index.js";
import { add, type Expr, logSoftmax, mean, mul, neg, slice, sub, sum, tensorOf } from "../ops/index.js";

/** How the classes are fitted, where it is not by plain cross entropy. */
export interface Fit {
  /** Share of the target that is spread over all classes, in [0, 1); Szegedy et al., CVPR 2016, section 7. Default 0. */
  readonly labelSmoothing?: number | undefined;
  /** τ of `f + τ log π` inside the cross entropy, π the classes' shares of the training set; Menon et al., ICLR 2021, eq. 10. Default 0. */
  readonly logitAdjustment?: number | undefined;
}

export interface FitInputs {
  /** float32 [N, K + A] */
  readonly logits: Expr;
  /** int64 [N] */
  readonly labels: Expr;
  /** Training images of each of the K classes. */
  readonly classCounts: readonly number[];
  /** Where two images are mixed: the classes of the other ones, int64 [N], and the share of the own, float32 [N]. */
  readonly mixed?: { readonly labels: Expr; readonly ownShare: Expr } | undefined;
}

/** The first term of every loss: how badly the in-distribution images are told apart. Scalar float32 ≥ 0. */
export function fitTerm({ logits, labels, classCounts, mixed }: FitInputs, fit: Fit): Expr {
  const { labelSmoothing = 0, logitAdjustment = 0 } = fit;
  const adjusted = logitAdjustment === 0 ? logits : add(logits, advantages(logits, classCounts, logitAdjustment));
  // Cross entropy is linear in its target: a mixed or smoothed target gives the mixture of the entropies.
  const exact =
    mixed === undefined
      ? crossEntropy(adjusted, labels)
      : mean(
          add(
            mul(mixed.ownShare, crossEntropy(adjusted, labels, { reduce: false })),
            mul(sub(1, mixed.ownShare), crossEntropy(adjusted, mixed.labels, { reduce: false })),
          ),
        );
  if (labelSmoothing === 0) return exact;
  // Abstention classes are no share of a target.
  const classes = classCounts.length;
  const logShares = logSoftmax(adjusted);
  const known = logits.dims[1] === classes ? logShares : slice(logShares, { axes: [1], starts: [0], ends: [classes] });
  const spread = neg(mean(mul(sum(known, { axes: [1] }), 1 / classes)));
  return add(mul(exact, 1 - labelSmoothing), mul(spread, labelSmoothing));
}

/** `τ log π`, 0 for abstention classes, which have no images. */
function advantages(logits: Expr, counts: readonly number[], tau: number): Expr {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const classes = logits.dims[1] as number;
  // A class without images is never a target; 1 stands for its count, as log 0 would make NaN of its neighbours.
  const values = Array.from({ length: classes }, (_, c) =>
    c < counts.length ? tau * Math.log(Math.max(1, counts[c] as number) / total) : 0,
  );
  return logits.builder.constant(tensorOf(values));
}
