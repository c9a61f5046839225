import { OptionError } from "../../errors.js";
import { logSoftmax } from "../../ops/index.js";
import { gamblerCost, keptShare } from "./gambler.js";
import { weightedMean } from "./masks.js";
import { definePixelLoss } from "./types.js";

export interface DeepGamblerOptions {
  /** What one bet on the right class pays, in (1, K]: the lower, the more often abstaining is better. */
  readonly payoff: number;
}

/**
 * Deep gambler: inlier pixels are bet on, or abstained from at the price of a constant payoff o,
 *
 *   mean_in -log ( p_y + p_{K+1} / o )
 *
 * Outlier pixels are not used. Liu, Wang, Liang, Salakhutdinov, Morency and Ueda, "Deep Gamblers: Learning to Abstain with Portfolio Theory",
 * NeurIPS 2019; on pixels as the comparison in Tian et al. (PEBAL), ECCV 2022, whose payoff is not published: 4.5 is the constant in their code. With
 * a payoff near 1 a network that has not learnt its classes yet learns to abstain everywhere.
 *
 * @throws OptionError for a payoff outside (1, K]
 */
export const deepGamblerLoss = definePixelLoss<DeepGamblerOptions>({
  name: "deep-gambler",
  title: "Deep gambler",
  source: "Liu et al., NeurIPS 2019",
  defaults: { payoff: 4.5 },
  score: "abstention",
  hasMargins: false,
  usesPrior: false,
  needsOutliers: () => false,
  abstentionClasses: 1,
  expression({ logits, classes, labels, inlier }, { payoff }) {
    if (!(payoff > 1 && payoff <= classes)) {
      throw new OptionError({
        where: "deep-gambler loss",
        expected: `a payoff above 1 and at most the ${classes} classes`,
        received: String(payoff),
      });
    }
    const logProbability = logSoftmax(logits);
    const kept = keptShare(logProbability, classes, Math.log(payoff));
    return weightedMean(gamblerCost(logProbability, labels, kept), inlier);
  },
});
