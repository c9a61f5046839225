// The scores. A new one is one file and one line here.
import { ashBScore, ashPScore, ashSScore } from "./ash.js";
import { diceScore } from "./dice.js";
import { energyScore } from "./energy.js";
import { entropyScore } from "./entropy.js";
import { fdbdScore } from "./fdbd.js";
import { genScore } from "./gen.js";
import { generalizedOdinScore } from "./generalized-odin.js";
import { gradNormScore } from "./grad-norm.js";
import { hypersphericalMahalanobisScore } from "./hyperspherical-mahalanobis.js";
import { klMatchingScore } from "./kl-matching.js";
import { knnScore } from "./knn.js";
import { mahalanobisScore } from "./mahalanobis.js";
import { maxLogitScore } from "./max-logit.js";
import { mspScore } from "./msp.js";
import { nnGuideScore } from "./nn-guide.js";
import { odinScore } from "./odin.js";
import { openMaxScore } from "./open-max.js";
import { perturbedMahalanobisScore } from "./perturbed-mahalanobis.js";
import { rankFeatScore } from "./rank-feat.js";
import { reactScore } from "./react.js";
import { relativeMahalanobisScore } from "./relative-mahalanobis.js";
import { scaleScore } from "./scale.js";
import { sheScore } from "./she.js";
import { smlScore } from "./sml.js";
import { temperatureScalingScore } from "./temperature-scaling.js";
import type { ScoreDefinition } from "./types.js";
import { vimScore } from "./vim.js";

/** Scores by their name on the command line: first those of the logits, then those of features, then those that change the features, and last those that differentiate the model. */
export const scores = {
  msp: mspScore,
  "max-logit": maxLogitScore,
  energy: energyScore,
  entropy: entropyScore,
  gen: genScore,
  "temperature-scaling": temperatureScalingScore,
  sml: smlScore,
  "kl-matching": klMatchingScore,
  openmax: openMaxScore,
  mahalanobis: mahalanobisScore,
  "relative-mahalanobis": relativeMahalanobisScore,
  "hyperspherical-mahalanobis": hypersphericalMahalanobisScore,
  knn: knnScore,
  nnguide: nnGuideScore,
  vim: vimScore,
  she: sheScore,
  fdbd: fdbdScore,
  gradnorm: gradNormScore,
  react: reactScore,
  dice: diceScore,
  "ash-p": ashPScore,
  "ash-b": ashBScore,
  "ash-s": ashSScore,
  scale: scaleScore,
  rankfeat: rankFeatScore,
  odin: odinScore,
  "perturbed-mahalanobis": perturbedMahalanobisScore,
  "generalized-odin": generalizedOdinScore,
} as const satisfies Record<string, ScoreDefinition>;

export type ScoreName = keyof typeof scores;

export { energy } from "./energy.js";
export { entropy } from "./entropy.js";
export { FitCollector, type FitData, type FitPart, type Rows } from "./fit/fit-data.js";
export { adjustedLogits } from "./logit-adjustment.js";
export * from "./maps/index.js";
export { maxLogit } from "./max-logit.js";
export { msp } from "./msp.js";
export * from "./pixels/index.js";
export {
  defineScore,
  type Fitted,
  type Head,
  type ImageInputs,
  type ScoreDefinition,
  type ScoreInputs,
  type ScoreOptions,
} from "./types.js";
