// The scores. A new one is one file and one line here.
import { energyScore } from "./energy.js";
import { entropyScore } from "./entropy.js";
import { maxLogitScore } from "./max-logit.js";
import { mspScore } from "./msp.js";
import type { ScoreDefinition } from "./types.js";

/** Scores by their name on the command line. */
export const scores = {
  msp: mspScore,
  "max-logit": maxLogitScore,
  energy: energyScore,
  entropy: entropyScore,
} as const satisfies Record<string, ScoreDefinition>;

export type ScoreName = keyof typeof scores;

export { energy } from "./energy.js";
export { entropy } from "./entropy.js";
export { FitCollector, type FitData, type Rows } from "./fit/fit-data.js";
export { maxLogit } from "./max-logit.js";
export { msp } from "./msp.js";
export {
  defineScore,
  type Fitted,
  type Head,
  type ScoreDefinition,
  type ScoreInputs,
  type ScoreOptions,
} from "./types.js";
