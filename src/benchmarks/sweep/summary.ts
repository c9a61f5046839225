/** From the numbers of runs to tables: mean and spread over seeds, beside what a paper reports. */
import type { Task } from "../../training/index.js";
import type { PlannedRun, SweepPlan } from "./plan.js";
import type { Recipe } from "./recipe-file.js";
import type { DetectionNumbers, RunNumbers } from "./results.js";

/** A number over seeds; fractions in [0, 1]. */
export interface Cell {
  /** One per seed, in the order of the row's seeds. */
  readonly values: readonly number[];
  readonly mean: number;
  /** Sample standard deviation (n - 1); undefined for a single seed. */
  readonly deviation: number | undefined;
  /** What the paper reports in this place, for its own data and network. */
  readonly paper?: PaperCell;
}

export interface PaperCell {
  readonly value: number;
  /** Mean less the paper's number. */
  readonly difference: number;
}

export type DetectionKey = keyof DetectionNumbers;
export type DetectionCells = Readonly<Record<DetectionKey, Cell>>;
export type GroupName = "many" | "medium" | "few";

/** One recipe under one score. */
export interface SweepRow {
  readonly recipe: string;
  readonly title: string;
  readonly score: string;
  /** Seeds that are finished. */
  readonly seeds: readonly number[];
  readonly average: DetectionCells;
  /** In the order of the table's sets. */
  readonly sets: readonly DetectionCells[];
  readonly accuracy?: Cell;
  /** Mean IoU of the classes, of segmentation networks. */
  readonly miou?: Cell;
  readonly groups?: Readonly<Partial<Record<GroupName, Cell>>>;
  /** Accuracy with logits adjusted to the class counts. */
  readonly adjusted?: Cell;
  readonly adjustedGroups?: Readonly<Partial<Record<GroupName, Cell>>>;
}

/** Which classes the models of a recipe take the outliers for. */
export interface SweepPrior {
  readonly title: string;
  readonly classNames: readonly string[];
  /** Mean over seeds, in the order of the classes. */
  readonly share: readonly number[];
  readonly outliers: number;
  readonly seeds: number;
}

export interface SweepTable {
  readonly name: string;
  readonly task: Task;
  readonly sets: readonly { readonly name: string; readonly images: number }[];
  readonly test: { readonly name: string; readonly images: number };
  readonly rows: readonly SweepRow[];
  readonly priors: readonly SweepPrior[];
  /** Sentences about data and settings. */
  readonly notes: readonly string[];
  /** Where the paper's numbers stand; empty without any. */
  readonly sources: readonly string[];
  /** Recipes without numbers, and why. */
  readonly missing: readonly { readonly title: string; readonly reason: string }[];
}

/** What a sweep has come to. */
export interface SweepState {
  /** Recipes of the tables, those that cannot be run yet included. */
  readonly recipes: readonly Recipe[];
  readonly plan: SweepPlan;
  readonly numbers: ReadonlyMap<PlannedRun, RunNumbers>;
  readonly failures: ReadonlyMap<PlannedRun, string>;
}

/** One table per name, in the order of the recipes; rows ascend by their order. */
export function summarize({ recipes, plan, numbers, failures }: SweepState): SweepTable[] {
  const names = [...new Set(recipes.map(({ table }) => table))];
  return names.map((name) => {
    const own = recipes.filter(({ table }) => table === name).sort((a, b) => a.order - b.order);
    const found = own.map((recipe) => {
      const runs = plan.runs.filter((run) => run.recipe === recipe);
      return { recipe, runs, numbers: runs.flatMap((run) => numbers.get(run) ?? []) };
    });
    const data = found.flatMap(({ runs }) => runs)[0]?.data;
    return {
      name,
      task: own[0]?.task ?? "classification",
      sets: (data?.ood ?? []).map(({ name: set, images }) => ({ name: set, images })),
      test: { name: data?.test.name ?? "", images: data?.test.images ?? 0 },
      rows: found.flatMap(({ recipe, numbers: seeds }) =>
        rowsOf(
          recipe,
          seeds,
          (data?.ood ?? []).map((set) => set.name),
        ),
      ),
      priors: found.flatMap(({ recipe, numbers: seeds }) => priorOf(recipe, seeds) ?? []),
      notes: [...new Set(own.flatMap(({ notes }) => notes))],
      sources: [...new Set(own.flatMap(({ paper }) => (paper === undefined ? [] : [paper.source])))],
      missing: found.flatMap(({ recipe, runs, numbers: seeds }) => {
        if (recipe.todo !== undefined) return [{ title: recipe.title, reason: recipe.todo }];
        const failed = runs.flatMap((run) => {
          const reason = failures.get(run);
          return reason === undefined ? [] : [{ seed: run.seed, reason }];
        });
        if (seeds.length === 0) return [{ title: recipe.title, reason: failed[0]?.reason ?? "not run yet" }];
        return failed.map(({ seed, reason }) => ({ title: `${recipe.title}, seed ${seed}`, reason }));
      }),
    };
  });
}

/** Percent. */
type PaperDetection = { readonly [Key in DetectionKey]?: number | undefined };

function rowsOf(recipe: Recipe, runs: readonly RunNumbers[], sets: readonly string[]): SweepRow[] {
  const [first] = runs;
  if (first === undefined) return [];
  const scores = Object.keys(first.scores);
  return scores.map((score, index) => {
    // What a paper gives for a method, it gives for the score that comes first.
    const paper = index === 0 ? recipe.paper : undefined;
    const cells = (of: (run: RunNumbers) => DetectionNumbers | undefined, told: PaperDetection | undefined) => ({
      auroc: cellOf(
        runs.map((run) => of(run)?.auroc),
        told?.auroc,
      ) as Cell,
      aupr: cellOf(
        runs.map((run) => of(run)?.aupr),
        told?.aupr,
      ) as Cell,
      fpr95: cellOf(
        runs.map((run) => of(run)?.fpr95),
        told?.fpr95,
      ) as Cell,
    });
    const accuracy = cellOf(
      runs.map((run) => run.accuracy),
      paper?.accuracy,
    );
    const miou = cellOf(
      runs.map((run) => run.miou),
      paper?.miou,
    );
    const adjusted = cellOf(
      runs.map((run) => run.adjusted?.accuracy),
      paper?.["adjusted-accuracy"],
    );
    const groups = groupCells(runs.map((run) => run.groups));
    const adjustedGroups = groupCells(runs.map((run) => run.adjusted?.groups));
    return {
      ...{ recipe: recipe.name, score, seeds: runs.map(({ seed }) => seed) },
      title: scores.length > 1 ? `${recipe.title} (${score})` : recipe.title,
      average: cells((run) => run.scores[score]?.average, paper),
      sets: sets.map((set) => cells((run) => run.scores[score]?.sets[set], paper?.sets?.[set])),
      ...(accuracy && { accuracy }),
      ...(miou && { miou }),
      ...(adjusted && { adjusted }),
      ...(groups && { groups }),
      ...(adjustedGroups && { adjustedGroups }),
    };
  });
}

function groupCells(
  runs: readonly (Readonly<Record<GroupName, number | null>> | null | undefined)[],
): Partial<Record<GroupName, Cell>> | undefined {
  if (runs.some((run) => run == null)) return undefined;
  const cells: Partial<Record<GroupName, Cell>> = {};
  for (const name of ["many", "medium", "few"] as const) {
    const cell = cellOf(
      runs.map((run) => run?.[name]),
      undefined,
    );
    if (cell !== undefined) cells[name] = cell;
  }
  return cells;
}

/** @param percent  the paper's number. Undefined when a run lacks the number */
function cellOf(values: readonly (number | null | undefined)[], percent: number | undefined): Cell | undefined {
  if (values.some((value) => value == null)) return undefined;
  const numbers = values as readonly number[];
  const mean = meanOf(numbers);
  // A decimal fraction, and not 0.7095999999999999.
  const paper = percent === undefined ? undefined : Number((percent / 100).toPrecision(12));
  return {
    values: numbers,
    mean,
    deviation: deviationOf(numbers),
    ...(paper === undefined ? {} : { paper: { value: paper, difference: mean - paper } }),
  };
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sample standard deviation, with n - 1 in the denominator; undefined for fewer than two values. */
function deviationOf(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

function priorOf(recipe: Recipe, runs: readonly RunNumbers[]): SweepPrior | undefined {
  const priors = runs.flatMap(({ prior }) => prior ?? []);
  const [first] = priors;
  if (first === undefined) return undefined;
  return {
    title: recipe.title,
    classNames: first.share.map((_, index) => first.class_names?.[index] ?? `class ${index}`),
    share: first.share.map((_, index) => meanOf(priors.map(({ share }) => share[index] as number))),
    outliers: first.outliers,
    seeds: priors.length,
  };
}
