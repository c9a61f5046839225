import type { Prior } from "./prior.js";

/** The paper's exponents: for models trained on long-tailed data, and for models trained on balanced data. */
const gammaWhenUneven = 0.75;
const gammaWhenEven = 0.05;
/** Evenness is `effectiveClasses / K`; below the first value a prior counts as uneven, above the second as even. */
const unevenBelow = 0.72;
const evenAbove = 0.8;

/**
 * Exponent on the prior that suits how uneven it is: where outliers spread evenly over the classes there is nothing to
 * balance, and a large exponent only follows noise. The two ends are the paper's settings. The bounds lie between the only two models
 * they were fitted to: a ResNet-20 trained on long-tailed CIFAR-10 (evenness 0.70, better with 0.75) and one trained on
 * CIFAR-10 (0.81, better with 0.05).
 */
export function gammaFor({ effectiveClasses, prior }: Prior): number {
  const evenness = effectiveClasses / prior.length;
  const share = Math.min(1, Math.max(0, (evenAbove - evenness) / (evenAbove - unevenBelow)));
  return Math.round((gammaWhenEven + share * (gammaWhenUneven - gammaWhenEven)) * 100) / 100;
}
