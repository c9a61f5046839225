/** Recipes, and sweeps over recipes and seeds. */
export { findRecipes } from "./find-recipes.js";
export { SweepFolder } from "./folder.js";
export { forkJob, type JobContext, type JobRunner } from "./fork-job.js";
export { type Job, runJob } from "./jobs.js";
export { contentKey, type DatasetIdentity } from "./keys.js";
export { type KnownOptions, type Override, overriding } from "./overrides.js";
export {
  type PlannedRun,
  type PlannedStage,
  planSweep,
  type SweepPlan,
} from "./plan.js";
export { type Environment, type Recipe, readRecipe } from "./recipe-file.js";
export type { PaperNumbers, RawStageOptions } from "./recipe-schema.js";
export type { RunNumbers } from "./results.js";
export { type Sharing, shareMachine } from "./room.js";
export { missingStages, runSweep, type SweepObserver, type SweepOptions } from "./run-sweep.js";
export type { StageKind, StageOptionReader, StageOptions } from "./stages.js";
export {
  type Cell,
  type DetectionCells,
  type DetectionKey,
  type GroupName,
  type SweepPrior,
  type SweepRow,
  type SweepState,
  type SweepTable,
  summarize,
} from "./summary.js";
