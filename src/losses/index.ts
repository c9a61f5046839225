// The training losses. A new one is one file and one line here.
import { balancedEnergy } from "./balanced-energy.js";
import { energyLoss } from "./energy.js";
import { noRegularizer } from "./none.js";
import { outlierExposure } from "./outlier-exposure.js";

/** Losses by their name on the command line. */
export const losses = {
  ce: noRegularizer,
  oe: outlierExposure,
  energy: energyLoss,
  "balanced-energy": balancedEnergy,
} as const;

export type LossName = keyof typeof losses;

export { type BalancedEnergyOptions, balancedEnergy, priorWeight, temperedPrior } from "./balanced-energy.js";
export { crossEntropy } from "./cross-entropy.js";
export { energyLoss, type Margins } from "./energy.js";
export { outlierExposure } from "./outlier-exposure.js";
export { type PaperPreset, presets } from "./presets.js";
export type { LossDefinition, LossInputs } from "./types.js";
