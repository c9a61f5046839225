import type { Normalization } from "../../data/index.js";
import type { PresetName } from "../../metrics/index.js";
import type { EngineOptions } from "../../runtime/index.js";
import type { TestScenes } from "../segmentation/index.js";
import type { RunNumbers } from "./results.js";

export interface EvaluatedModel {
  readonly path: string;
  /** Of a model that the recipe names; one that a stage has made remembers what it was trained with, whatever the recipe's data say. */
  readonly normalization: Normalization | undefined;
}

/** What the evaluation of a finished recipe is told, whatever its task. */
export interface EvaluationJob {
  readonly kind: "evaluate";
  /** What is known before, and stands in the result as it is. */
  readonly about: Pick<RunNumbers, "key" | "recipe" | "seed" | "stages" | "data">;
  /** Often the same. */
  readonly scoresFrom: EvaluatedModel;
  readonly accuracyFrom: EvaluatedModel;
  readonly test: string;
  readonly ood: readonly TestScenes[];
  readonly engine: EngineOptions;
  /** File for the numbers. */
  readonly result: string;
}

/** The rules of the codes of Outlier Exposure, energy_ood, PEBAL and Balanced Energy. */
export const preset: PresetName = "official";
