/** What is said of a network that is worse at its own task after fine-tuning than before. */
import type { Margin } from "./margins.js";

/** A fall that asks for a warning, in accuracy or mIoU; fractions. */
const worrying = 0.02;

interface Options {
  readonly loss: string;
  readonly mIn: Margin;
  readonly mOut: Margin;
  readonly logitAdjustment?: number | undefined;
}

/**
 * A sentence about a fall that is large, with what this loss leaves to do about it; undefined where there is none.
 *
 * @param what       such as `accuracy on held-out training images`
 * @param before     in [0, 1]; null where it was not measured
 * @param hasMargins whether the loss has margins
 */
export function describeFall(
  what: string,
  [before, after]: readonly [before: number | null, after: number],
  { loss, mIn, mOut, logitAdjustment = 0 }: Options,
  { hasMargins }: { readonly hasMargins: boolean },
): string | undefined {
  if (before === null || before - after <= worrying) return undefined;
  const fell = `${what} fell from ${percent(before)} to ${percent(after)}`;
  // What it takes from frequent classes it gives to rare ones, and training images are mostly of the former.
  if (loss === "ce" && logitAdjustment > 0) return `${fell}, as --logit-adjustment favours rare classes`;
  const lower = loss === "ce" ? "lower --lr" : "lower --weight or --lr";
  const fits = !hasMargins || (mIn === "auto" && mOut === "auto");
  return `${fell}: ${lower}${fits ? "" : ", or let the margins fit the model (--m-in auto --m-out auto)"}`;
}

const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
