import { OptionError } from "../errors.js";
import { div, type Expr, logSumExp, mul } from "../ops/index.js";
import type { ScoreDefinition, ScoreOptions } from "./types.js";

/**
 * Free energy of the logits,
 *
 *   E(x) = -T · log Σ_c exp(f_c(x) / T)
 *
 * Liu, Wang, Owens and Li, "Energy-based Out-of-distribution Detection", NeurIPS 2020, eq. 4. Higher means more
 * out-of-distribution. It lies in [-max f - T log K, -max f], and adding a constant to all logits shifts it.
 *
 * @param logits  float [N, K] or [N, K, H, W]
 * @returns [N] or [N, H, W]
 * @throws OptionError unless the temperature is a finite number > 0
 */
export function energy(logits: Expr, { temperature = 1 }: ScoreOptions = {}): Expr {
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new OptionError({ where: "energy score", expected: "a temperature > 0", received: String(temperature) });
  }
  return mul(-temperature, logSumExp(div(logits, temperature), { axes: [1] }));
}

export const energyScore: ScoreDefinition = {
  name: "energy",
  title: "Energy",
  source: "Liu, Wang, Owens and Li, NeurIPS 2020, eq. 4",
  expression: energy,
};
