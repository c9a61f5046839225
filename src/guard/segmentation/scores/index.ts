// The scores of pixels. A new one is one file and one line here.
import { type ScoreDefinition, type ScoreName, scores } from "../../../scores/index.js";
import { flowDensityLogisticScore, flowDensityMinScore, flowDensityScore } from "./flow-density.js";
import { knnDensityScore } from "./knn-density.js";
import { pixelMahalanobisScore } from "./mahalanobis.js";
import {
  abstentionScore,
  blurredEnergyScore,
  denseHybridScore,
  differentialEntropyScore,
  mutualInformationScore,
  outlierHeadScore,
} from "./model-outputs.js";
import { pixelSmlScore } from "./sml.js";
import { pixelTemperatureScore } from "./temperature-scaling.js";
import type { PixelScoreDefinition } from "./types.js";

/** A score of the logits of an image, at every pixel. */
function ofLogits(name: ScoreName): PixelScoreDefinition {
  const { title, source, defaults, check, expression }: ScoreDefinition = scores[name];
  return {
    ...{ name, title, source, uses: [], defaults },
    ...(check && { check }),
    expression: ({ logits }, options) => expression({ logits }, options, {}),
  };
}

/** Scores of pixels by their name on the command line: first those of the logits, then those of other outputs, and last those of features. */
export const pixelScores = {
  msp: ofLogits("msp"),
  "max-logit": ofLogits("max-logit"),
  energy: ofLogits("energy"),
  "blurred-energy": blurredEnergyScore,
  entropy: ofLogits("entropy"),
  gen: ofLogits("gen"),
  "temperature-scaling": pixelTemperatureScore,
  "differential-entropy": differentialEntropyScore,
  sml: pixelSmlScore,
  abstention: abstentionScore,
  "outlier-head": outlierHeadScore,
  "dense-hybrid": denseHybridScore,
  "mutual-information": mutualInformationScore,
  mahalanobis: pixelMahalanobisScore,
  "knn-density": knnDensityScore,
  "flow-density": flowDensityScore,
  "flow-density-min": flowDensityMinScore,
  "flow-density-logistic": flowDensityLogisticScore,
} as const satisfies Record<string, PixelScoreDefinition>;

export type PixelScoreName = keyof typeof pixelScores;

export type {
  MaxLogitMoments,
  PixelFitData,
  PixelFitPart,
  PixelScoreDefinition,
  PixelScoreInputs,
} from "./types.js";
