/** The folder of a sweep: `stages/KEY/` (run folders of train and tune), `results/RECIPE/seed-N.json`, `results/TABLE/plan-SET.json`, `lock`, and the tables. */
import { existsSync } from "node:fs";
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { OptionError } from "../../errors.js";
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

  /** The numbers of a run; undefined where there are none, or those of other settings or data. */
  async numbers(run: PlannedRun): Promise<RunNumbers | undefined> {
    const found = await readNumbers(this.result(run));
    return found?.key === run.key ? found : undefined;
  }

  /**
   * Keeps other sweeps out of the folder, as two would write the same files.
   *
   * @returns what lets them in again
   * @throws OptionError while another process has it
   */
  async lock(): Promise<() => Promise<void>> {
    await mkdir(this.path, { recursive: true });
    const path = join(this.path, "lock");
    const own = JSON.stringify({ pid: process.pid, host: hostname() });
    const take = async () => {
      const file = await open(path, "wx");
      await file.writeFile(own);
      await file.close();
    };
    try {
      await take();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
      const holder = await readHolder(path);
      if (holder !== undefined && isAlive(holder)) {
        throw new OptionError({
          where: "--out",
          expected: "a folder that no other sweep is at work in",
          received: `${this.path}, where process ${holder.pid} on ${holder.host} is`,
          hint: `wait for it, or delete ${path} if it is no sweep`,
        });
      }
      await rm(path, { force: true });
      await take();
    }
    return () => rm(path, { force: true });
  }
}

interface Holder {
  readonly pid: number;
  readonly host: string;
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

/** Of a process on another machine nothing can be said, so it counts as alive. */
function isAlive({ pid, host }: Holder): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
