import { tuneWithBalanceSearch } from "./balance-search.js";
import type { TrainingContext } from "./run-training.js";
import type { TrainingResult } from "./training-options.js";
import { tuneOnce } from "./tune-once.js";
import type { TuneOptions } from "./tune-options.js";

/**
 * Step 2 of the method: fine-tunes a classifier with outliers; where alphas and gammas are given to choose from, with those that
 * {@link tuneWithBalanceSearch} finds best. See `runTraining` for what is written and thrown.
 */
export async function tune(
  { search, ...options }: TuneOptions,
  context: TrainingContext = {},
): Promise<TrainingResult> {
  if (search === undefined) return tuneOnce(options, context);
  return (await tuneWithBalanceSearch(options, search, context)).result;
}
