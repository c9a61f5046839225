/** `offmap bench`: recipes and seeds to a plan, the plan to runs, the runs to tables. */
import {
  findRecipes,
  forkJob,
  type JobRunner,
  missingStages,
  type Override,
  overriding,
  type PlannedRun,
  type PlannedStage,
  planSweep,
  type Recipe,
  type RunNumbers,
  readRecipe,
  runSweep,
  SweepFolder,
  type SweepPlan,
  type SweepState,
  type SweepTable,
  shareMachine,
  summarize,
} from "../benchmarks/sweep/index.js";
import { OptionError } from "../errors.js";
import { percentage } from "../report/format.js";
import { renderSweepText, type SweepReport, writeSweep } from "../report/sweep/index.js";
import type { Device } from "../runtime/index.js";
import { version } from "../version.js";
import { inColumns } from "./columns.js";
import type { CommandIo } from "./command-io.js";
import { describeFailure } from "./failures.js";
import { makeOutputFolder } from "./output-folder.js";
import { knownStageOptions, stageOptionReader } from "./recipe-options.js";

export interface BenchOptions {
  readonly recipes: readonly string[];
  readonly out: string;
  readonly seeds?: readonly number[];
  readonly set?: readonly Override[];
  readonly plan?: boolean;
  readonly jobs?: number;
  readonly device?: Device;
  readonly threads?: number;
}

const defaultSeeds = [1, 2, 3];

/** @param runner  does the jobs; in tests in this process */
export async function runBench(options: BenchOptions, io: CommandIo, runner: JobRunner = forkJob): Promise<void> {
  const { out, set = [], jobs, threads, device } = options;
  const seeds = [...new Set(options.seeds ?? defaultSeeds)];
  const recipes = await readRecipes(options.recipes, set, io);
  const runnable = recipes.filter(({ todo }) => todo === undefined);
  const plan = await planSweep(runnable, seeds, stageOptionReader);
  const folder = new SweepFolder(out);
  if (options.plan) {
    const document = await planDocument(plan, folder, recipes);
    return io.write(document, () => planText(document));
  }
  await makeOutputFolder(out);
  const sharing = shareMachine(plan.runs.length, { jobs, threads, device });
  const settings = [
    ["Offmap", version],
    ["Seeds", seeds.join(", ")],
    ["Threads of each run", sharing.threads === undefined ? "the engine's choice" : String(sharing.threads)],
    ["Device", device ?? "cpu"],
    ...set.map(({ key, value }) => [`--set ${key}`, value] as const),
  ] as const;
  const unlock = await folder.lock();
  const results = new Results({ recipes, plan }, out, settings, io);
  try {
    await runSweep(plan, { folder, sharing, device, runner, signal: io.signal, observer: results });
  } finally {
    await results.close().finally(unlock);
  }
  if (results.failures.size > 0) io.incomplete();
  const tables = results.tables();
  await io.write(benchDocument(out, tables, results), () =>
    [
      renderSweepText(tables, io.columns),
      "",
      `tables: ${out}/table.md, table.csv, table.tex; report: ${out}/report.html`,
    ].join("\n"),
  );
}

/** In the order of the rows of tables. */
async function readRecipes(names: readonly string[], set: readonly Override[], io: CommandIo): Promise<Recipe[]> {
  const adapt = overriding(set, knownStageOptions);
  const recipes: Recipe[] = [];
  for (const file of await findRecipes(names)) recipes.push(await readRecipe(file, io.environment, adapt));
  const twice = recipes.find(({ name }, index) => recipes.findIndex((other) => other.name === name) < index);
  if (twice === undefined) return recipes.sort((a, b) => a.order - b.order);
  throw new OptionError({
    where: twice.file,
    problem: `another recipe is called ${twice.name} too`,
    hint: "give it another `table`, or the file another name",
  });
}

/** Gathers numbers as they come, keeps the tables in the folder up to date, and shows what happens. */
class Results {
  readonly numbers = new Map<PlannedRun, RunNumbers>();
  readonly failures = new Map<PlannedRun, string>();
  private readonly lines;
  private writing: Promise<void> = Promise.resolve();
  private isQueued = false;

  constructor(
    private readonly state: Pick<SweepState, "recipes" | "plan">,
    private readonly out: string,
    private readonly settings: SweepReport["facts"],
    private readonly io: CommandIo,
  ) {
    this.lines = io.parallel();
  }

  tables(): SweepTable[] {
    return summarize({ ...this.state, numbers: this.numbers, failures: this.failures });
  }

  started = (label: string) => this.lines.job(label);
  ended = (label: string) => this.lines.ended(label);
  warn = (sentence: string) => this.complain(sentence);

  measured = (run: PlannedRun, numbers: RunNumbers): void => {
    this.numbers.set(run, numbers);
    this.lines.say(`${run.recipe.name}, seed ${run.seed}: ${oneRun(numbers)}`);
    // What cannot be written now is complained about at the end.
    this.write().catch(() => undefined);
  };

  failed = (run: PlannedRun, error: Error): void => {
    const { sentence } = describeFailure(error);
    this.failures.set(run, sentence);
    this.complain(`${run.recipe.name}, seed ${run.seed}: ${sentence}`);
  };

  /** The tables as they are now. One writing at a time; runs that end during it are in the next. */
  private write(): Promise<void> {
    if (this.isQueued) return this.writing;
    this.isQueued = true;
    const names = [...new Set(this.state.recipes.map(({ table }) => table))];
    this.writing = this.writing
      .catch(() => undefined)
      .then(() => {
        this.isQueued = false;
        return writeSweep(
          { title: `Sweep: ${names.join(", ")}`, tables: this.tables(), facts: this.settings },
          this.out,
        );
      });
    return this.writing;
  }

  async close(): Promise<void> {
    this.lines.close();
    await this.write();
  }

  private complain(sentence: string): void {
    // The lines of running jobs are drawn again below the warning.
    this.lines.pause();
    this.io.warn(sentence);
  }
}

function oneRun({ scores, accuracy, miou }: RunNumbers): string {
  const [[score = "", found] = []] = Object.entries(scores);
  const detection =
    found === undefined
      ? []
      : [`${score} AUROC ${percentage(found.average.auroc)}`, `FPR95 ${percentage(found.average.fpr95)}`];
  const fit = accuracy === null ? [] : [`accuracy ${percentage(accuracy)}`];
  return [...detection, ...fit, ...(miou == null ? [] : [`mIoU ${percentage(miou)}`])].join(", ");
}

/** What `offmap bench --json` prints; the field names are a contract. */
function benchDocument(out: string, tables: readonly SweepTable[], { failures }: Pick<Results, "failures">) {
  return {
    out,
    tables: tables.map(({ name, task, test, sets, rows, priors, notes, sources, missing }) => ({
      ...{ name, task, test, sets, notes, sources, missing },
      rows: rows.map(({ adjustedGroups, ...row }) => ({ ...row, adjusted_groups: adjustedGroups })),
      priors: priors.map(({ classNames, ...prior }) => ({ ...prior, class_names: classNames })),
    })),
    failures: [...failures].map(([{ recipe, seed }, reason]) => ({ recipe: recipe.name, seed, reason })),
  };
}

async function planDocument(plan: SweepPlan, folder: SweepFolder, recipes: readonly Recipe[]) {
  const runs = await Promise.all(
    plan.runs.map(async (run) => {
      const { recipe, seed, stages } = run;
      const state = (await folder.numbers(run)) === undefined ? "to be run" : "finished";
      return { recipe: recipe.name, title: recipe.title, seed, stages, state };
    }),
  );
  // Numbers outlive the networks that they were measured on, and networks those that they were made from.
  const open = plan.runs.filter((_, index) => runs[index]?.state !== "finished");
  const missing = new Set(open.flatMap((run) => missingStages(plan, run, folder)));
  const stateOf = (stage: PlannedStage): string => {
    if (folder.isFinished(stage)) return "finished";
    if (!missing.has(stage)) return "not needed";
    return folder.canGoOn(stage) ? "begun" : "to be run";
  };
  return {
    stages: [...plan.stages.values()].map((stage) => ({
      ...{ key: stage.key, kind: stage.kind, for: stage.label, folder: folder.stage(stage.key) },
      state: stateOf(stage),
      shared_by: plan.runs.filter(({ stages }) => stages.includes(stage.key)).length,
    })),
    runs,
    todo: recipes.flatMap(({ name, todo }) => (todo === undefined ? [] : [{ recipe: name, reason: todo }])),
  };
}

function planText({ stages, runs, todo }: Awaited<ReturnType<typeof planDocument>>): string {
  return [
    `${stages.length} training runs:`,
    ...inColumns([
      ["key", "kind", "state", "runs", "first for"],
      ...stages.map((stage) => [stage.key, stage.kind, stage.state, String(stage.shared_by), stage.for]),
    ]),
    "",
    `${runs.length} rows of tables, one per recipe and seed:`,
    ...inColumns(runs.map(({ recipe, seed, state }) => [recipe, `seed ${seed}`, state])),
    ...todo.map(({ recipe, reason }) => `${recipe}: not yet, ${reason}`),
  ].join("\n");
}
