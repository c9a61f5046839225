/** The folder of a sweep: `stages/KEY/` (run folders of train and tune), `results/RECIPE/seed-N.json`, `results/TABLE/plan-SET.json`, `lock`, and the tables. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { FormatError } from "../../errors.js";
import { lock } from "../../lock.js";
import type { ModelSource, PlannedRun, PlannedStage } from "./plan.js";
import { type RunNumbers, readNumbers } from "./results.js";

export class SweepFolder {
  constructor(readonly path: string) {}

  stage(key: string): string {
    return join(this.path, "stages", key);
  }

  /** Path of the model of a stage, or of the file. */
  model(source: ModelSource): string {
    return "path" in source ? source.path : join(this.stage(source.stage), "model.onnx");
  }

  result({ recipe, seed }: Pick<PlannedRun, "recipe" | "seed">): string {
    return join(this.path, "results", recipe.name, `seed-${seed}.json`);
  }

  /** What belongs to all rows of a table. */
  table({ table }: PlannedRun["recipe"]): string {
    return join(this.path, "results", table);
  }

  /** `run.json` is written last, so a stage that has it has its model too. */
  isFinished({ key }: Pick<PlannedStage, "key">): boolean {
    return existsSync(join(this.stage(key), "run.json")) && existsSync(join(this.stage(key), "model.onnx"));
  }

  /** Whether there is a checkpoint, be it of a candidate of a search for alpha and gamma. */
  canGoOn({ key }: Pick<PlannedStage, "key">): boolean {
    return ["checkpoint.onnx", "search"].some((name) => existsSync(join(this.stage(key), name)));
  }

  /** The numbers of a run; undefined where there are none, those of other settings or data, or what cannot be read: they are measured anew. */
  async numbers(run: PlannedRun): Promise<RunNumbers | undefined> {
    try {
      const found = await readNumbers(this.result(run));
      return found?.key === run.key ? found : undefined;
    } catch (error) {
      if (error instanceof FormatError) return undefined;
      throw error;
    }
  }

  /** Whether there are numbers of the run that were measured with other settings or on other data. */
  async hasOthers(run: PlannedRun): Promise<boolean> {
    const found = await readNumbers(this.result(run)).catch(() => undefined);
    return found !== undefined && found.key !== run.key;
  }

  /**
   * Keeps other sweeps out of the folder, as two would write the same files.
   *
   * @returns what lets them in again
   * @throws OptionError while another process has it
   */
  async lock(): Promise<() => Promise<void>> {
    await mkdir(this.path, { recursive: true });
    return lock(join(this.path, "lock"), { where: "--out", place: this.path, work: "sweep" });
  }
}
