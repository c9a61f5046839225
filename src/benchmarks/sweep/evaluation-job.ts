import type { Normalization } from "../../data/index.js";
import type { PresetName } from "../../metrics/index.js";
import type { EngineOptions } from "../../runtime/index.js";
import type { TestScenes } from "../segmentation/index.js";
import type { RunNumbers } from "./results.js";

/** What the evaluation of a finished recipe is told, whatever its task. */
export interface EvaluationJob {
  readonly kind: "evaluate";
  /** What is known before, and stands in the result as it is. */
  readonly about: Pick<RunNumbers, "key" | "recipe" | "seed" | "stages" | "data">;
  /** Paths of models; often the same. */
  readonly scoresFrom: string;
  readonly accuracyFrom: string;
  readonly test: string;
  readonly ood: readonly TestScenes[];
  readonly normalization: Normalization | undefined;
  readonly engine: EngineOptions;
  /** File for the numbers. */
  readonly result: string;
}

/** The rules of the codes of Outlier Exposure, energy_ood, PEBAL and Balanced Energy. */
export const preset: PresetName = "official";
