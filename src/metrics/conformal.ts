/**
 * A threshold with a guarantee (split conformal prediction). The only assumption: the n calibration images, none of which
 * the model or its score was fitted to, and the images to come are exchangeable. The rank of a new in-distribution score among
 * the n + 1 is then uniform, whatever the model and however its scores are distributed.
 *
 * Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005, chapters 2 and 4; in its split ("inductive")
 * form Papadopoulos, Proedrou, Vovk and Gammerman, "Inductive Confidence Machines for Regression", ECML 2002.
 */
import { DataError, OptionError } from "../errors.js";
import { betaQuantile } from "./beta.js";
import { checkScores, type Scores } from "./scores.js";

export interface ConformalThreshold {
  /** One of the calibration scores. An image is OOD when its score is greater, not when it is equal. */
  readonly threshold: number;
  /** The false-alarm rate asked for, in (0, 1). */
  readonly alpha: number;
  /** How many calibration scores there were, n. */
  readonly count: number;
  /** Place of the threshold among them in ascending order, from 1: ⌈(n + 1)(1 - alpha)⌉. */
  readonly rank: number;
}

/**
 * The lowest threshold whose false-alarm rate is at most alpha: the ⌈(n + 1)(1 - alpha)⌉-th smallest of n scores. A new
 * in-distribution score is greater with a probability in (alpha - 1/(n + 1), alpha]; where scores can tie it may be less.
 *
 * The probability is over calibration set and new image together. What one calibration set may turn out to be worth says
 * {@link falseAlarmBound}.
 *
 * @param scores  of n ≥ ⌈1/alpha⌉ - 1 held-out in-distribution images
 * @param alpha   false-alarm rate, in (0, 1)
 * @throws OptionError for an alpha outside (0, 1)
 * @throws DataError when there are too few scores for alpha, or one is NaN or an infinity
 */
export function conformalThreshold(scores: Scores, alpha: number): ConformalThreshold {
  if (!(alpha > 0 && alpha < 1)) {
    throw new OptionError({ where: "calibration", expected: "a false-alarm rate in (0, 1)", received: String(alpha) });
  }
  checkScores(scores, "calibration scores");
  const count = scores.length;
  const allowed = largestNumerator(count + 1, alpha);
  if (allowed < 1) {
    throw new DataError({
      where: "calibration scores",
      expected: `at least ${fewestScores(alpha)} for a false-alarm rate of ${alpha}`,
      received: String(count),
      hint: "give more held-out in-distribution images, or allow a higher rate",
    });
  }
  const rank = count + 1 - allowed;
  return { threshold: scores.slice().sort()[rank - 1] as number, alpha, count, rank };
}

/**
 * The p-value of each score: (1 + how many calibration scores are at least as high) / (n + 1), in [1/(n + 1), 1]. For a
 * new in-distribution image p ≤ α has probability at most α, for every α.
 *
 * `p <= alpha` and `score > conformalThreshold(calibration, alpha).threshold` are the same decision, with ties and without.
 *
 * @param calibration  scores of n held-out in-distribution images
 * @param scores       of m images; takes O((n + m) log n)
 * @returns float64 [m]
 * @throws DataError when a set is empty or holds NaN or an infinity
 */
export function conformalPValues(calibration: Scores, scores: Scores): Float64Array {
  checkScores(calibration, "calibration scores");
  checkScores(scores, "scores");
  const sorted = calibration.slice().sort();
  const count = sorted.length;
  return Float64Array.from(scores, (score) => (1 + count - countBelow(sorted, score)) / (count + 1));
}

export interface FalseAlarmBoundOptions extends Pick<ConformalThreshold, "count" | "rank"> {
  /** Share of calibration sets whose threshold keeps the bound, in (0, 1), for example 0.95. */
  readonly confidence: number;
}

/**
 * What the false-alarm rate of one threshold is at most, with some confidence. A threshold keeps its rate once it is chosen,
 * but calibration sets differ: over them, the rate is distributed as Beta(n + 1 - rank, rank) if scores are independent
 * and without ties (ties only lower it), and the bound is the quantile of that.
 *
 * Vovk, "Conditional Validity of Inductive Conformal Predictors", ACML 2012, proposition 2, where it is written as a
 * binomial tail.
 *
 * @returns rate in (0, 1); more than alpha for the usual confidences
 * @throws OptionError for a rank outside 1 to count or a confidence outside (0, 1)
 */
export function falseAlarmBound({ count, rank, confidence }: FalseAlarmBoundOptions): number {
  if (!(Number.isSafeInteger(count) && Number.isSafeInteger(rank) && rank >= 1 && rank <= count)) {
    throw new OptionError({
      where: "false-alarm bound",
      expected: "a rank from 1 to the number of calibration scores",
      received: `rank ${rank} of ${count}`,
    });
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new OptionError({
      where: "false-alarm bound",
      expected: "a confidence in (0, 1)",
      received: String(confidence),
    });
  }
  return betaQuantile(confidence, count + 1 - rank, rank);
}

/**
 * The largest whole k with k / total ≤ share. Asked of the quotient, which is what a p-value is, and not of the product:
 * 100 × 0.29 is 28.999999999999996, while 29 / 100 is 0.29.
 */
function largestNumerator(total: number, share: number): number {
  const nearest = Math.round(total * share);
  return nearest / total <= share ? nearest : nearest - 1;
}

/** The fewest scores, ⌈1/alpha⌉ - 1, for which {@link largestNumerator} is 1: with fewer, nothing can be promised. */
export function fewestScores(alpha: number): number {
  const nearest = Math.round(1 / alpha);
  return (1 / nearest <= alpha ? nearest : nearest + 1) - 1;
}

/** How many of the ascending values are less than `score`. */
function countBelow(sorted: Scores, score: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < score) low = middle + 1;
    else high = middle;
  }
  return low;
}
