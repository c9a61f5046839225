// The losses of segmentation networks. A new one is one file and one line here.
import { balancedPixelEnergyLoss } from "./balanced-energy.js";
import { pixelCrossEntropyLoss } from "./cross-entropy.js";
import { deepGamblerLoss } from "./deep-gambler.js";
import { denseHybridLoss } from "./dense-hybrid.js";
import { dirichletLoss } from "./dirichlet.js";
import { outlierHeadLoss } from "./dodh.js";
import { pixelEnergyLoss } from "./energy.js";
import { metaOodLoss } from "./meta-ood.js";
import { pixelOutlierExposureLoss } from "./outlier-exposure.js";
import { balancedPebalLoss, pebalLoss } from "./pebal.js";
import { voidClassifierLoss } from "./void-classifier.js";

/** Losses of segmentation networks by their name on the command line. */
export const pixelLosses = {
  ce: pixelCrossEntropyLoss,
  oe: pixelOutlierExposureLoss,
  energy: pixelEnergyLoss,
  "balanced-energy": balancedPixelEnergyLoss,
  pebal: pebalLoss,
  "balanced-pebal": balancedPebalLoss,
  "deep-gambler": deepGamblerLoss,
  "meta-ood": metaOodLoss,
  "void-classifier": voidClassifierLoss,
  dodh: outlierHeadLoss,
  "dense-hybrid": denseHybridLoss,
  dirichlet: dirichletLoss,
} as const;

export type PixelLossName = keyof typeof pixelLosses;

export { pixelCrossEntropy } from "./cross-entropy.js";
export type { PixelLossDefinition, PixelLossInputs } from "./types.js";
