/** Where the numbers of a run must lie, whoever starts it. */
import { checkRanges, count, notNegative, positive, type Range, type Ranges, shareOrNone } from "../losses/ranges.js";
import type { TrainingOptions } from "./training-options.js";

const below1: Range = { words: "a number in [0, 1)", has: (value) => value >= 0 && value < 1 };
const between0And1: Range = { words: "a number between 0 and 1", has: (value) => value > 0 && value < 1 };

const ranges: Ranges<TrainingOptions> = {
  ...{ epochs: count, steps: count, batch: count, outlierBatch: count, checkpointEvery: count },
  ...{ learningRate: positive, momentum: shareOrNone, weightDecay: notNegative, decay: positive, warmUp: below1 },
  ...{ weight: notNegative, alpha: notNegative, gamma: notNegative, gammaWeight: notNegative },
  ...{ labelSmoothing: below1, logitAdjustment: notNegative, mixup: positive },
  ...{ average: between0And1, priorMomentum: between0And1 },
  seed: { words: "a whole number from 0 on", has: (value) => Number.isSafeInteger(value) && value >= 0 },
  holdOut: { words: "a share in [0, 0.5]", has: (value) => value >= 0 && value <= 0.5 },
};

/** @throws OptionError for a number that no run can work with */
export function checkNumbers(options: object): void {
  checkRanges(ranges, options, (name) => `training option ${name}`);
}
