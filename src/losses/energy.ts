import { add, type Expr, mean, type Operand, relu, square, sub } from "../ops/index.js";
import { energy } from "../scores/energy.js";
import { defineLoss } from "./types.js";

/** Margins of the energy losses. Energies are negative where a model is confident. */
export interface Margins {
  /** Energy below which in-distribution images cost nothing. */
  readonly mIn: number;
  /** Energy above which outliers cost nothing. */
  readonly mOut: number;
}

/** `relu(E - mIn)²` for each in-distribution image, logits [N, K], or pixel, logits [N, K, H, W]; [N] or [N, H, W]. */
export function inHinge(logits: Expr, mIn: number): Expr {
  return square(relu(sub(energy(logits), mIn)));
}

/** `relu(margin - E)²` for each outlier, image or pixel; the margin is a number or one value per outlier. */
export function outHinge(outlierLogits: Expr, margin: Operand): Expr {
  return square(relu(sub(margin, energy(outlierLogits))));
}

/**
 * Energy-bounded learning ("EnergyOE"): pulls the energy of in-distribution images below one margin and pushes that of
 * outliers above another,
 *
 *   mean_in relu(E - mIn)² + mean_out relu(mOut - E)²
 *
 * Liu, Wang, Owens and Li, "Energy-based Out-of-distribution Detection", NeurIPS 2020, eq. 8; weight 0.1 and the margins
 * (CIFAR-10) as in the authors' scripts.
 */
export const energyLoss = defineLoss<Margins>({
  name: "energy",
  title: "Energy (EnergyOE)",
  source: "Liu, Wang, Owens and Li, NeurIPS 2020, eq. 8",
  weight: 0.1,
  defaults: { mIn: -23, mOut: -5 },
  score: "energy",
  hasMargins: true,
  usesPrior: false,
  expression: ({ logits, outlierLogits }, { mIn, mOut }) =>
    add(mean(inHinge(logits, mIn)), mean(outHinge(outlierLogits, mOut))),
});
