import { OptionError } from "../errors.js";
import { div, type Expr, logSumExp, mul } from "../ops/index.js";
import { defineScore } from "./types.js";

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
export function energy(logits: Expr, { temperature }: Temperature = { temperature: 1 }): Expr {
  checkTemperature({ temperature });
  return mul(-temperature, logSumExp(div(logits, temperature), { axes: [1] }));
}

type Temperature = {
  /** Divides the logits, > 0. */
  readonly temperature: number;
};

function checkTemperature({ temperature }: Temperature): void {
  if (temperature > 0 && Number.isFinite(temperature)) return;
  throw new OptionError({ where: "energy score", expected: "a temperature > 0", received: String(temperature) });
}

export const energyScore = defineScore({
  name: "energy",
  title: "Energy",
  source: "Liu, Wang, Owens and Li, NeurIPS 2020, eq. 4",
  uses: [],
  defaults: { temperature: 1 },
  check: checkTemperature,
  expression: ({ logits }, options) => energy(logits, options),
});
