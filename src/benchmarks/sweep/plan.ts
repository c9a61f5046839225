/** From recipes and seeds to what must be run: stages by content, so that what recipes have in common is there once. */

import { OptionError } from "../../errors.js";
import type { PartName } from "../../guard/index.js";
import type { PixelScoreName } from "../../guard/segmentation/index.js";
import type { Task } from "../../training/index.js";
import { contentKey, type DatasetIdentity, Identities } from "./keys.js";
import type { Recipe, RecipeStage } from "./recipe-file.js";
import { checkedScores, fitsScores } from "./score-checks.js";
import {
  type ResolvedStage,
  resolveStage,
  type StageKind,
  type StageOptionReader,
  type StageOptions,
  scoreOfLoss,
} from "./stages.js";

/** A training run that one or more recipes need. */
export interface PlannedStage {
  readonly key: string;
  readonly task: Task;
  readonly kind: StageKind;
  /** The recipe and seed that it was planned for first. */
  readonly label: string;
  /** Jobs that are alike need as much memory. */
  readonly profile: string;
  /** What decides the key, for readers. */
  readonly content: object;
  readonly options: StageOptions;
  /** What a `tune` goes on from. */
  readonly from?: ModelSource;
}

/** A file, or the model of a stage. */
export type ModelSource = { readonly path: string } | { readonly stage: string };

export interface PlannedRun {
  readonly recipe: Recipe;
  readonly seed: number;
  /** Of everything that decides the numbers. */
  readonly key: string;
  /** Keys of the training runs, in order. */
  readonly stages: readonly string[];
  readonly scores: readonly (PartName | PixelScoreName)[];
  readonly scoresFrom: ModelSource;
  readonly accuracyFrom: ModelSource;
  readonly data: { readonly test: DatasetIdentity; readonly ood: readonly DatasetIdentity[] };
}

export interface SweepPlan {
  readonly stages: ReadonlyMap<string, PlannedStage>;
  /** All recipes with the first seed, then all with the second, so that a table is whole early. */
  readonly runs: readonly PlannedRun[];
}

/**
 * @throws OffmapError for options that do not fit, data that cannot be opened, or a score that there is not
 */
export async function planSweep(
  recipes: readonly Recipe[],
  seeds: readonly number[],
  reader: StageOptionReader,
): Promise<SweepPlan> {
  const planner = new Planner(reader);
  const runs: PlannedRun[] = [];
  for (const seed of seeds) {
    for (const recipe of recipes) {
      // A model that is given is the same under every seed.
      const seedless = recipe.stages.every(({ kind }) => kind === "model");
      if (!seedless || seed === seeds[0]) runs.push(await planner.run(recipe, seed));
    }
  }
  checkTables(runs);
  return { stages: planner.stages, runs };
}

/** Rows of a table must be about the same images. */
function checkTables(runs: readonly PlannedRun[]): void {
  const first = new Map<string, PlannedRun>();
  for (const run of runs) {
    const other = first.get(run.recipe.table) ?? run;
    first.set(run.recipe.table, other);
    if (contentKey(other.data) === contentKey(run.data)) continue;
    throw new OptionError({
      where: run.recipe.file,
      expected: `the test sets of ${other.recipe.file}, as both are rows of the table ${run.recipe.table}`,
      received: "others",
      hint: "give it another `table`",
    });
  }
}

class Planner {
  readonly stages = new Map<string, PlannedStage>();
  private readonly identities = new Identities();

  constructor(private readonly reader: StageOptionReader) {}

  async run(recipe: Recipe, seed: number): Promise<PlannedRun> {
    const models: { source: ModelSource; key: string; score: string }[] = [];
    for (const stage of recipe.stages) models.push(await this.stage(stage, models.at(-1), recipe, seed));
    const { scoresFrom, accuracyFrom, adjust, prior } = recipe.evaluate;
    const [judged, classified] = [models[scoresFrom], models[accuracyFrom]] as [(typeof models)[0], (typeof models)[0]];
    const names = recipe.evaluate.scores.length === 0 ? [judged.score] : recipe.evaluate.scores;
    const { id, outliers, test, ood } = recipe.data;
    const { task } = recipe;
    const scores = checkedScores(task, names, recipe.evaluate.scoreOptions, recipe.file);
    const data = {
      test: await this.identities.labelled(task, test),
      ood: (await Promise.all(ood.map((set) => this.identities.ood(task, set)))).flat(),
    };
    const counted = prior && outliers !== undefined ? outliers : undefined;
    const ofScenes = task === "segmentation" && counted !== undefined;
    const fits = fitsScores(task, scores);
    const pasted = fits && recipe.evaluate.fitOutliers ? outliers : undefined;
    const looksAtTraining = adjust || ofScenes || fits;
    const key = contentKey({
      ...{ scores: names, adjust, prior, data, normalize: recipe.data.normalize },
      models: [judged.key, classified.key],
      id: looksAtTraining ? (await this.identities.labelled(task, id)).fingerprint : undefined,
      outliers: counted === undefined ? undefined : await this.identities.outliers(task, counted, false),
      fitOutliers: pasted === undefined ? undefined : await this.identities.outliers(task, pasted, false),
      scoreOptions: Object.keys(recipe.evaluate.scoreOptions).length === 0 ? undefined : recipe.evaluate.scoreOptions,
      priorScenes: ofScenes ? recipe.evaluate.priorScenes : undefined,
    });
    return {
      ...{ recipe, seed, key, data, scores },
      stages: models.flatMap(({ source }) => ("stage" in source ? [source.stage] : [])),
      scoresFrom: judged.source,
      accuracyFrom: classified.source,
    };
  }

  private async stage(
    stage: RecipeStage,
    before: { source: ModelSource; key: string } | undefined,
    { name, task }: Recipe,
    seed: number,
  ): Promise<{ source: ModelSource; key: string; score: string }> {
    if (stage.kind === "model") {
      const hash = await this.identities.model(stage.path, stage.where);
      return { source: { path: stage.path }, key: contentKey({ model: hash }), score: "energy" };
    }
    const { kind, where } = stage;
    if (kind === "tune" && before === undefined) {
      throw new OptionError({ where, problem: "there is no model to go on from" });
    }
    const told = { ...(await this.reader(task, kind, stage.options, where)), seed };
    const options = withOutliers(told, resolveStage(task, kind, told).loss, stage.outliers);
    const resolved = resolveStage(task, kind, options);
    const { arch, loss } = resolved;
    const content = await this.contentOf(task, kind, resolved, where, kind === "tune" ? before?.key : undefined);
    const plain = resolveStage(task, kind, { ...(arch !== undefined && { arch }), loss, id: "" });
    const key = stageKey(content, plain);
    const planned: PlannedStage = {
      ...{ key, task, kind, label: `${name}, seed ${seed}`, profile: profileOf(content), content },
      options: withoutIdle(options),
      ...(kind === "tune" && before !== undefined && { from: before.source }),
    };
    if (!this.stages.has(key)) this.stages.set(key, planned);
    return { source: { stage: key }, key, score: scoreOfLoss(task, loss) };
  }

  /** Everything that decides the bits of a stage's model, without places. */
  private async contentOf(
    task: Task,
    kind: StageKind,
    resolved: ResolvedStage,
    where: string,
    from: string | undefined,
  ): Promise<StageContent> {
    const {
      out: _out,
      model: _model,
      resume: _resume,
      engine: _engine,
      checkpointEvery: _every,
      // Scenes that a network is watched on do not change it.
      val: _val,
      id,
      outliers,
      prior,
      ...options
    } = resolved;
    return {
      ...(task === "segmentation" && { task }),
      ...{ kind, options, from: from ?? null },
      id: (await this.identities.labelled(task, id)).fingerprint,
      // A search keeps classes of outliers apart; nothing else looks at their labels.
      outliers:
        outliers === undefined ? null : await this.identities.outliers(task, outliers, resolved.search !== undefined),
      prior: prior === undefined ? null : await this.identities.file(prior, where),
    };
  }
}

/**
 * Key of a stage. Options that are as they would be anyway do not count, whether they are written out or not: a later version that knows
 * more of them gives the same key.
 *
 * @param plain  the defaults for the stage's network and loss
 */
export function stageKey({ options, ...content }: StageContent, plain: object): string {
  const always = ["arch", "loss", "seed"];
  const defaults = new Map(Object.entries(plain));
  const own = Object.entries(options).filter(
    ([name, value]) => always.includes(name) || contentKey([value]) !== contentKey([defaults.get(name)]),
  );
  return contentKey({ ...content, options: Object.fromEntries(own) });
}

export interface StageContent {
  /** Left out for classifiers. */
  readonly task?: Task;
  readonly kind: string;
  readonly options: object;
  readonly from: string | null;
  readonly id: string;
  readonly outliers: string | null;
  readonly prior: string | null;
}

/** Plain cross entropy looks at no outliers unless the stage names some. */
function withOutliers(options: StageOptions, loss: string, outliers: string | undefined): StageOptions {
  return loss === "ce" || options.outliers !== undefined || outliers === undefined ? options : { ...options, outliers };
}

/** Options that decide what a step holds in memory; data and numbers that go into its formulas do not. */
const memoryOptions = [
  "arch",
  "width",
  "train",
  "loss",
  "batch",
  "outlierBatch",
  "crop",
  "optimizer",
  "average",
  "augment",
];

function profileOf({ task, kind, options, from, id, outliers }: StageContent): string {
  const own = Object.entries(options).filter(([name]) => memoryOptions.includes(name));
  return contentKey({ task, kind, id, outliers, from: from === null, options: Object.fromEntries(own) });
}

/** Defaults that stages with outliers share are not for those without. */
function withoutIdle(options: StageOptions): StageOptions {
  if (options.outliers !== undefined) return options;
  const { outlierBatch: _idle, ...others } = options as StageOptions & { readonly outlierBatch?: number };
  return others;
}
