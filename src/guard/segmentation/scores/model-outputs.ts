// Scores of what the network gives beside the logits of its classes.
import { OptionError, UnsupportedError } from "../../../errors.js";
import type { Expr } from "../../../ops/index.js";
import {
  abstention,
  blurredEnergy,
  denseHybrid,
  differentialEntropy,
  mutualInformation,
  outlierProbability,
} from "../../../scores/pixels/index.js";
import { definePixelScore } from "./types.js";

/** The energy as PEBAL and Balanced Energy read it, see {@link blurredEnergy}. */
export const blurredEnergyScore = definePixelScore({
  name: "blurred-energy",
  title: "Energy, blurred by 7x7 pixels",
  source: "Tian et al., ECCV 2022 (code)",
  uses: [],
  defaults: {},
  expression: ({ logits }) => blurredEnergy(logits),
});

/** What Dirichlet prior networks are read by, see {@link differentialEntropy}. */
export const differentialEntropyScore = definePixelScore({
  name: "differential-entropy",
  title: "Differential entropy of the Dirichlet distribution",
  source: "Malinin and Gales, NeurIPS 2018, eq. 20",
  uses: [],
  defaults: {},
  expression: ({ logits }) => differentialEntropy(logits),
});

/** Probability of the outputs that are no class: void classifier, deep gambler. See {@link abstention}. */
export const abstentionScore = definePixelScore({
  name: "abstention",
  title: "Probability of no class",
  source: "Blum et al., IJCV 2021; Liu et al., NeurIPS 2019",
  uses: ["abstention"],
  defaults: {},
  expression: ({ logits, allLogits }) => abstention(allLogits, logits.dims[1] as number),
});

export const outlierHeadScore = definePixelScore({
  name: "outlier-head",
  title: "Probability of the outlier head",
  source: "Bevandić, Krešo, Oršić and Šegvić, GCPR 2019",
  uses: ["outlier-head"],
  defaults: {},
  expression: ({ outlierLogits }) => outlierProbability(there(outlierLogits, "outlier-head")),
});

export const denseHybridScore = definePixelScore({
  name: "dense-hybrid",
  title: "DenseHybrid",
  source: "Grcić, Bevandić and Šegvić, ECCV 2022",
  uses: ["outlier-head"],
  defaults: {},
  expression: ({ logits, outlierLogits }) => denseHybrid(logits, there(outlierLogits, "dense-hybrid")),
});

/** Disagreement of thinned copies, by Monte-Carlo dropout; see {@link mutualInformation}. One image at a time. */
export const mutualInformationScore = definePixelScore({
  name: "mutual-information",
  title: "Mutual information by dropout",
  source: "Mukhoti and Gal, 2018",
  uses: ["dropout"],
  /** Thinned copies. */
  defaults: { samples: 8, seed: 1 },
  check(options) {
    for (const [name, least] of [
      ["samples", 2],
      ["seed", 0],
    ] as const) {
      const value = options[name];
      if (Number.isInteger(value) && value >= least) continue;
      throw new OptionError({
        where: "mutual-information score",
        expected: `${name} to be a whole number ≥ ${least}`,
        received: String(value),
      });
    }
  },
  expression: ({ samples }) => mutualInformation(there(samples, "mutual-information")),
});

function there<Value extends Expr | readonly Expr[]>(value: Value | undefined, score: string): Value {
  if (value !== undefined) return value;
  throw new UnsupportedError({
    where: `score ${score}`,
    expected: "what it is computed from",
    received: "a model without it",
  });
}
