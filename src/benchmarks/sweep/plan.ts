/** From recipes and seeds to what must be run: stages by content, so that what recipes have in common is there once. */

import { OptionError } from "../../errors.js";
import { needsFit, outputScoreNames, type PartName } from "../../guard/index.js";
import { type LossName, losses } from "../../losses/index.js";
import { scores } from "../../scores/index.js";
import { resolveTrainOptions, type TrainOptions } from "../../training/train-options.js";
import type { TrainingOptions } from "../../training/training-options.js";
import { resolveTuneOptions, type TuneOptions } from "../../training/tune-options.js";
import { contentKey, type DatasetIdentity, Identities } from "./keys.js";
import type { Recipe, RecipeStage } from "./recipe-file.js";
import type { RawStageOptions } from "./recipe-schema.js";

/** What a stage is told, but for where it starts and where its results go. */
export type StageOptions<Options extends TrainingOptions> = Omit<Options, "out" | "model" | "resume" | "engine">;

/** Turns the options of a recipe into those of the library; whoever knows the options of the command line gives it. */
export interface StageOptionReader {
  read(kind: "train", options: RawStageOptions, where: string): Promise<StageOptions<TrainOptions>>;
  read(kind: "tune", options: RawStageOptions, where: string): Promise<StageOptions<TuneOptions>>;
}

/** A training run that one or more recipes need. */
export type PlannedStage = {
  readonly key: string;
  /** The recipe and seed that it was planned for first. */
  readonly label: string;
  /** Jobs that are alike need as much memory. */
  readonly profile: string;
  /** What decides the key, for readers. */
  readonly content: object;
} & (
  | { readonly kind: "train"; readonly options: StageOptions<TrainOptions> }
  | { readonly kind: "tune"; readonly options: StageOptions<TuneOptions>; readonly from: ModelSource }
);

/** A file, or the model of a stage. */
export type ModelSource = { readonly path: string } | { readonly stage: string };

export interface PlannedRun {
  readonly recipe: Recipe;
  readonly seed: number;
  /** Of everything that decides the numbers. */
  readonly key: string;
  /** Keys of the training runs, in order. */
  readonly stages: readonly string[];
  readonly scores: readonly PartName[];
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
 * @throws OffmapError for options that do not fit, data that cannot be opened, or a score that needs a fit
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
    const data = {
      test: await this.identities.dataset(test, true),
      ood: (await Promise.all(ood.map((set) => this.identities.ood(set)))).flat(),
    };
    const key = contentKey({
      ...{ scores: names, adjust, prior, data, normalize: recipe.data.normalize },
      models: [judged.key, classified.key],
      id: adjust ? (await this.identities.dataset(id, true)).fingerprint : undefined,
      outliers:
        prior && outliers !== undefined ? (await this.identities.dataset(outliers, false)).fingerprint : undefined,
    });
    return {
      ...{ recipe, seed, key, data },
      stages: models.flatMap(({ source }) => ("stage" in source ? [source.stage] : [])),
      scores: names.map((name) => checkedScore(name, recipe.file)),
      scoresFrom: judged.source,
      accuracyFrom: classified.source,
    };
  }

  private async stage(
    stage: RecipeStage,
    before: { source: ModelSource; key: string } | undefined,
    { name }: Recipe,
    seed: number,
  ): Promise<{ source: ModelSource; key: string; score: string }> {
    if (stage.kind === "model") {
      const hash = await this.identities.file(stage.path, stage.where);
      return { source: { path: stage.path }, key: contentKey({ model: hash }), score: "energy" };
    }
    const label = `${name}, seed ${seed}`;
    const { planned, loss } =
      stage.kind === "train" ? await this.trained(stage, label, seed) : await this.tuned(stage, label, seed, before);
    if (!this.stages.has(planned.key)) this.stages.set(planned.key, planned);
    return { source: { stage: planned.key }, key: planned.key, score: losses[loss].score };
  }

  private async trained(stage: TrainingStage, label: string, seed: number): Promise<Planned> {
    const told = { ...(await this.reader.read("train", stage.options, stage.where)), seed };
    const options = withOutliers(told, resolveTrainOptions({ ...told, out: "" }).loss, stage.outliers);
    const resolved = resolveTrainOptions({ ...options, out: "" });
    const content = await this.contentOf("train", resolved, stage.where, undefined);
    const plain = resolveTrainOptions({ arch: resolved.arch, loss: resolved.loss, id: "", out: "" });
    const described = { key: stageKey(content, plain), label, profile: profileOf(content), content };
    return { planned: { kind: "train", ...described, options }, loss: resolved.loss };
  }

  private async tuned(
    stage: TrainingStage,
    label: string,
    seed: number,
    before: { source: ModelSource; key: string } | undefined,
  ): Promise<Planned> {
    if (before === undefined) throw new OptionError({ where: stage.where, problem: "there is no model to go on from" });
    const told = { ...(await this.reader.read("tune", stage.options, stage.where)), seed };
    const options = withOutliers(told, resolveTuneOptions({ ...told, out: "", model: "" }).loss, stage.outliers);
    const resolved = resolveTuneOptions({ ...options, out: "", model: "" });
    const content = await this.contentOf("tune", resolved, stage.where, before.key);
    const plain = resolveTuneOptions({ loss: resolved.loss, id: "", out: "", model: "" });
    const described = { key: stageKey(content, plain), label, profile: profileOf(content), content };
    return { planned: { kind: "tune", ...described, options, from: before.source }, loss: resolved.loss };
  }

  /** Everything that decides the bits of a stage's model, without places. */
  private async contentOf(
    kind: "train" | "tune",
    resolved: TrainingOptions & Pick<Partial<TuneOptions>, "model" | "search">,
    where: string,
    from: string | undefined,
  ): Promise<StageContent> {
    const {
      out: _out,
      model: _model,
      resume: _resume,
      engine: _engine,
      checkpointEvery: _every,
      id,
      outliers,
      prior,
      ...options
    } = resolved;
    return {
      ...{ kind, options, from: from ?? null },
      id: (await this.identities.dataset(id, true)).fingerprint,
      // A search keeps classes of outliers apart; nothing else looks at their labels.
      outliers:
        outliers === undefined
          ? null
          : (await this.identities.dataset(outliers, resolved.search !== undefined)).fingerprint,
      prior: prior === undefined ? null : await this.identities.file(prior, where),
    };
  }
}

type TrainingStage = Exclude<RecipeStage, { kind: "model" }>;

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
  readonly kind: string;
  readonly options: object;
  readonly from: string | null;
  readonly id: string;
  readonly outliers: string | null;
  readonly prior: string | null;
}

interface Planned {
  readonly planned: PlannedStage;
  readonly loss: LossName;
}

/** Plain cross entropy looks at no outliers unless the stage names some. */
function withOutliers<Options extends { readonly outliers?: string }>(
  options: Options,
  loss: string,
  outliers: string | undefined,
): Options {
  return loss === "ce" || options.outliers !== undefined || outliers === undefined ? options : { ...options, outliers };
}

/** Seed, prior and number of steps do not matter to memory. */
function profileOf({ options, ...rest }: StageContent): string {
  const { seed: _seed, ...others } = options as { seed?: number };
  return contentKey({ ...rest, from: rest.from === null, options: others });
}

function checkedScore(name: string, file: string): PartName {
  const known: readonly PartName[] = [
    ...(Object.keys(scores) as (keyof typeof scores)[]).filter((score) => !needsFit(score)),
    ...outputScoreNames,
  ];
  const found = known.find((score) => score === name);
  if (found !== undefined) return found;
  throw new OptionError({
    where: `${file}, evaluate.score`,
    expected: `a score that needs no fit (${known.join(", ")})`,
    received: name,
  });
}
