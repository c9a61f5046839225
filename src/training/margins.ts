/**
 * Margins that fit the model at hand. Margins made for another network pull every logit towards energies this one never
 * had, which destroys its accuracy: the most frequent trouble with energy losses.
 */
import { energyOf } from "./statistics.js";

/** An energy margin: a number, or `auto` for one derived from the untouched model. */
export type Margin = number | "auto";

export interface ChosenMargins {
  readonly mIn: number;
  readonly mOut: number;
  /** Why these, in one sentence for the user. */
  readonly reason: string;
}

/**
 * Margins from the untouched model's logits.
 *
 * `mIn` is the median energy of in-distribution training images, so that the hinge pulls only the half that is less certain
 * than the model's own middle. `mOut` is the energy of a flat softmax over K zero logits, -ln K, less the mean lift αZ
 * that the balanced loss adds, so that the average outlier is asked for just that energy.
 *
 * @param logits    in-distribution logits, [N, K]
 * @param meanLift  mean of αZ over the outliers, 0 for losses without it
 */
export function fitMargins(
  logits: Float32Array,
  classes: number,
  meanLift: number,
  given: { readonly mIn: Margin; readonly mOut: Margin },
): ChosenMargins {
  const reasons: string[] = [];
  let { mIn, mOut } = given;
  if (mIn === "auto") {
    mIn = round(median(energyOf(logits, classes)));
    reasons.push(`m-in ${mIn} is the median energy of the model's own training images`);
  } else reasons.push(`m-in ${mIn} as given`);
  if (mOut === "auto") {
    mOut = round(-Math.log(classes) - meanLift);
    const lift = meanLift === 0 ? "" : ` less the mean lift alpha·Z of ${meanLift.toFixed(2)}`;
    reasons.push(`m-out ${mOut} is the energy of a flat prediction over ${classes} classes, -ln K${lift}`);
  } else reasons.push(`m-out ${mOut} as given`);
  return { mIn, mOut, reason: reasons.join("; ") };
}

/** Two decimals are finer than any effect of a margin, and readable. */
const round = (value: number) => Math.round(value * 100) / 100;

function median(values: Float64Array): number {
  const sorted = values.toSorted();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
