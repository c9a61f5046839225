/** Runs a planned sweep: what is finished is taken as it is, what was begun goes on, and what is missing starts. */

import { parseNormalization } from "../../data/index.js";
import { CancelledError, RunError } from "../../errors.js";
import type { PartName } from "../../guard/index.js";
import type { PixelScoreName } from "../../guard/segmentation/index.js";
import type { Device, EngineOptions } from "../../runtime/index.js";
import type { Progress } from "../../training/index.js";
import type { EvaluatedModel } from "./evaluation-job.js";
import type { SweepFolder } from "./folder.js";
import type { JobRunner } from "./fork-job.js";
import type { Job } from "./jobs.js";
import type { ModelSource, PlannedRun, PlannedStage, SweepPlan } from "./plan.js";
import type { RunNumbers } from "./results.js";
import { MemoryBook, type Sharing } from "./room.js";
import { runTasks, type Task } from "./schedule.js";

/** Told what happens; the command line draws it. */
export interface SweepObserver {
  /** A job starts; its progress goes to what is returned. */
  started(label: string): Progress;
  /** It has ended, well or not. */
  ended(label: string): void;
  /** A recipe has its numbers with one seed, new or from before. */
  measured(run: PlannedRun, numbers: RunNumbers): void;
  /** A run has none, and why. */
  failed(run: PlannedRun, error: Error): void;
  warn(sentence: string): void;
}

export interface SweepOptions {
  readonly folder: SweepFolder;
  readonly sharing: Sharing;
  readonly device?: Device | undefined;
  readonly runner: JobRunner;
  readonly observer: SweepObserver;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The caller holds the lock of the folder, until it has written its tables too.
 *
 * @throws CancelledError after a request to stop, when every job has saved what it had
 */
export const runSweep = (plan: SweepPlan, options: SweepOptions): Promise<void> => new Sweep(plan, options).run();

/** A job whose process alone was asked to end, by the system or a user: no request to stop the sweep, but no numbers either. */
const stoppedFromOutside = (where: string, cause: CancelledError): RunError =>
  new RunError({
    ...{ where, problem: "its process was asked to stop", cause },
    hint: "repeat the command to go on, with fewer --jobs if memory ran out",
  });

/** Stages that a run still needs, in order: none whose model has been made, and nothing that only such a model was made from. */
export function missingStages(plan: SweepPlan, run: PlannedRun, folder: SweepFolder): PlannedStage[] {
  const needed = new Set<string>();
  const need = (source: ModelSource | undefined): void => {
    if (source === undefined || "path" in source || needed.has(source.stage)) return;
    const stage = plan.stages.get(source.stage) as PlannedStage;
    if (folder.isFinished(stage)) return;
    need(stage.from);
    needed.add(source.stage);
  };
  need(run.scoresFrom);
  need(run.accuracyFrom);
  return [...needed].map((key) => plan.stages.get(key) as PlannedStage);
}

class Sweep {
  private readonly memory = new MemoryBook();
  private readonly failures = new Map<string, Error>();
  private finished = 0;

  constructor(
    private readonly plan: SweepPlan,
    private readonly options: SweepOptions,
  ) {}

  async run(): Promise<void> {
    const { sharing, signal } = this.options;
    const tasks: Task[] = [];
    const stages = new Set<string>();
    const replaced: string[] = [];
    for (const run of this.plan.runs) {
      const numbers = await this.options.folder.numbers(run);
      if (numbers !== undefined) {
        this.measured(run, numbers);
        continue;
      }
      if (await this.options.folder.hasOthers(run)) replaced.push(`${run.recipe.name}, seed ${run.seed}`);
      for (const stage of missingStages(this.plan, run, this.options.folder)) {
        if (stages.has(stage.key)) continue;
        stages.add(stage.key);
        tasks.push(this.stageTask(stage, stages));
      }
      tasks.push(this.evaluationTask(run, stages));
    }
    if (replaced.length > 0) {
      const those = replaced.slice(0, 3).join("; ") + (replaced.length > 3 ? "; and so on" : "");
      this.options.observer.warn(
        `the folder has numbers of ${replaced.length} runs with other settings or data, which new ones will replace (${those}); another --out keeps them`,
      );
    }
    await runTasks(tasks, sharing.jobs, () => signal?.aborted === true);
    if (!signal?.aborted) return;
    throw new CancelledError({
      problem: `stopped; ${this.finished} of ${this.plan.runs.length} runs are finished, and what was begun is saved in ${this.options.folder.path}`,
      hint: "repeat the command to go on",
    });
  }

  /** @param pending  keys of the stages that are still to be run */
  private stageTask(stage: PlannedStage, pending: ReadonlySet<string>): Task {
    const { folder } = this.options;
    const from = stage.from !== undefined && "stage" in stage.from ? [stage.from.stage] : [];
    const job = (): Job => {
      const common = { out: folder.stage(stage.key), resume: folder.canGoOn(stage), engine: this.engine() };
      const { task, kind, content, options } = stage;
      const start = stage.from === undefined ? {} : { model: folder.model(stage.from) };
      // The options were read for this task and this kind of stage.
      return { task, kind, content, options: { ...options, ...common, ...start } } as Job;
    };
    return this.task(stage.key, from, pending, `${stage.label}, ${stage.kind}`, stage.profile, job, async () => {});
  }

  private evaluationTask(run: PlannedRun, pending: ReadonlySet<string>): Task {
    const { folder, observer } = this.options;
    const { recipe, seed, key, stages, data, scores } = run;
    const { data: sets, evaluate } = recipe;
    const job = (): Job => {
      const common = {
        ...{ kind: "evaluate" as const, test: sets.test, ood: sets.ood, engine: this.engine() },
        result: folder.result(run),
        about: { key, recipe: recipe.name, seed, stages: [...stages], data: { test: data.test, ood: [...data.ood] } },
        scoresFrom: this.evaluated(run, run.scoresFrom),
        accuracyFrom: this.evaluated(run, run.accuracyFrom),
      };
      const outliers = evaluate.prior ? sets.outliers : undefined;
      if (recipe.task === "segmentation") {
        const priorOf = outliers === undefined ? undefined : { outliers, scenes: evaluate.priorScenes };
        const objects = evaluate.fitOutliers ? sets.outliers : undefined;
        const fitOn = { spec: sets.id, ...(objects !== undefined && { paste: { objects } }) };
        return {
          ...{ ...common, task: recipe.task, scores: scores as readonly PixelScoreName[] },
          ...{ scoreOptions: evaluate.scoreOptions, fitOn, id: sets.id, priorOf, plans: folder.table(recipe) },
        };
      }
      const classesOf = evaluate.adjust ? sets.id : undefined;
      return {
        ...{ ...common, task: recipe.task, scores: scores as readonly PartName[] },
        ...{ fitOn: sets.id, classesOf, priorOf: outliers, adjusts: !this.isAdjusted(run.accuracyFrom) },
      };
    };
    const id = `evaluate ${recipe.name} ${seed}`;
    const profile = `evaluate ${this.plan.stages.get(stages.at(-1) ?? "")?.profile ?? recipe.name}`;
    const measured = async () => {
      const numbers = await folder.numbers(run);
      if (numbers === undefined)
        throw new RunError({ where: folder.result(run), problem: "the evaluation left no numbers" });
      this.measured(run, numbers);
    };
    const task = this.task(id, stages, pending, `${recipe.name}, seed ${seed}, evaluation`, profile, job, measured);
    return {
      ...task,
      run: () =>
        task.run().catch((error: unknown) => {
          if (!(error instanceof CancelledError)) observer.failed(run, error as Error);
          throw error;
        }),
      skip: (failed) => {
        const error = this.failures.get(failed) as Error;
        this.failures.set(id, error);
        if (!(error instanceof CancelledError)) observer.failed(run, error);
      },
    };
  }

  private task(
    id: string,
    needs: readonly string[],
    pending: ReadonlySet<string>,
    label: string,
    profile: string,
    job: () => Job,
    after: () => Promise<void>,
  ): Task {
    const { observer, runner, signal, sharing } = this.options;
    return {
      id,
      needs: needs.filter((key) => pending.has(key)),
      mayStart: () => !sharing.watchMemory || this.memory.hasRoom(profile),
      run: async () => {
        this.memory.started(id, profile);
        const progress = observer.started(label);
        try {
          await runner(job(), {
            progress,
            ...(signal && { signal }),
            warn: (sentence) => observer.warn(`${label}: ${sentence}`),
            memory: (bytes, steady) => this.memory.seen(id, bytes, steady),
          });
          await after();
        } catch (cause) {
          const error = cause instanceof CancelledError && !signal?.aborted ? stoppedFromOutside(label, cause) : cause;
          this.failures.set(id, error as Error);
          throw error;
        } finally {
          this.memory.ended(id);
          observer.ended(label);
        }
      },
      skip: (failed) => {
        this.failures.set(id, this.failures.get(failed) as Error);
      },
    };
  }

  private evaluated({ recipe: { data } }: PlannedRun, source: ModelSource): EvaluatedModel {
    const told = "path" in source ? data.normalize : undefined;
    const normalization = told === undefined ? undefined : parseNormalization(told);
    return { path: this.options.folder.model(source), normalization };
  }

  /** Whether a model has learned logits that are adjusted already: a second time would take the classes' shares off twice. */
  private isAdjusted(source: ModelSource): boolean {
    const options = "stage" in source ? this.plan.stages.get(source.stage)?.options : undefined;
    return options !== undefined && "logitAdjustment" in options && Number(options.logitAdjustment) > 0;
  }

  private measured(run: PlannedRun, numbers: RunNumbers): void {
    this.finished++;
    this.options.observer.measured(run, numbers);
  }

  private engine(): EngineOptions {
    const { device, sharing } = this.options;
    return {
      ...(device === undefined ? {} : { device }),
      ...(sharing.threads === undefined ? {} : { threads: sharing.threads }),
    };
  }
}
