// The training losses. A new one is one file and one line here.
import { balancedEnergy } from "./balanced-energy.js";
import { cocl } from "./cocl.js";
import { eat } from "./eat.js";
import { energyLoss } from "./energy.js";
import { noRegularizer } from "./none.js";
import { oecc } from "./oecc.js";
import { openSampling } from "./open-sampling.js";
import { outlierExposure } from "./outlier-exposure.js";
import { pascl } from "./pascl.js";

/** Losses by their name on the command line. */
export const losses = {
  ce: noRegularizer,
  oe: outlierExposure,
  energy: energyLoss,
  "balanced-energy": balancedEnergy,
  oecc,
  "open-sampling": openSampling,
  pascl,
  eat,
  cocl,
} as const;

export type LossName = keyof typeof losses;

export { type BalancedEnergyOptions, balancedEnergy, priorWeight, temperedPrior } from "./balanced-energy.js";
export { type CoclOptions, cocl } from "./cocl.js";
export { crossEntropy } from "./cross-entropy.js";
export { type EatOptions, eat } from "./eat.js";
export { energyLoss, type Margins } from "./energy.js";
export { type OeccOptions, oecc } from "./oecc.js";
export { openSampling } from "./open-sampling.js";
export { outlierExposure } from "./outlier-exposure.js";
export { type PasclOptions, pascl } from "./pascl.js";
export { type PaperPreset, presets } from "./presets.js";
export type { LossDefinition, LossInputs } from "./types.js";
