/** `--set`: changes to recipes from the command line. */
import { OptionError } from "../../errors.js";
import type { Task } from "../../training/index.js";
import { changedOptions } from "./opposites.js";
import { type OodSetDocument, type RawStageOptions, type RecipeDocument, recipeSchema } from "./recipe-schema.js";
import type { StageKind } from "./stages.js";

/** One `--set KEY=VALUE`. */
export interface Override {
  readonly key: string;
  readonly value: string;
}

/** Says which long flags a stage takes. */
export type KnownOptions = (task: Task, kind: StageKind) => readonly string[];

/**
 * The function that makes the changes in a recipe:
 *
 * - `NAME=VALUE`: an option of every stage that has it; `train.NAME` and `tune.NAME`: of stages of that kind
 * - `limit=N`: at most N images of the outliers and of each test set, drawn at random; `per-class=N`: at most N training images of each class (of
 *   classifiers)
 * - `size=HxW`: all scenes are brought to that size
 * - `evaluate.prior-scenes=N`: scenes that a prior is measured on; `evaluate.score-options.NAME=N`: an option of the scores that have it
 * - `data.id=DS`, `data.outliers`, `data.test`, `data.normalize`, `data.ood.NAME`: the data
 * - `id`, `outliers`, `normalize`: the data too, of stages that name their own as well
 *
 * @throws OptionError for a key that nothing has
 */
export function overriding(
  overrides: readonly Override[],
  known: KnownOptions,
): (document: RecipeDocument) => RecipeDocument {
  const changes = overrides.map((override) => changeOf(override, known));
  if (changes.length === 0) return (document) => document;
  const note = `Changed by --set: ${overrides.map(({ key, value }) => `${key}=${value}`).join(", ")}.`;
  return (document) => {
    const changed = changes.reduce((result, change) => change(result), document);
    return recipeSchema.parse({ ...changed, notes: [...changed.notes, note] });
  };
}

function changeOf({ key, value }: Override, known: KnownOptions): (document: RecipeDocument) => RecipeDocument {
  const [first = "", ...rest] = key.split(".");
  const name = rest.join(".");
  if (key === "limit" || key === "per-class") return fewerImages(key, value);
  if (key === "size") {
    return (document) =>
      document.task === "segmentation" ? mapScenes(document, (spec) => withOption(spec, "size", value)) : document;
  }
  if (["id", "outliers", "normalize"].includes(key)) return withData(key, value);
  if (first === "evaluate") return evaluatedWith(name, value, `--set ${key}=${value}`);
  if (first === "data" && ["id", "outliers", "test", "normalize"].includes(name)) {
    return (document) => ({ ...document, data: { ...document.data, [name]: value } });
  }
  if (first === "data" && rest[0] === "ood" && rest.length > 1) {
    const set = rest.slice(1).join(".");
    return (document) => {
      const { ood } = document.data;
      if (typeof ood === "string") {
        throw new OptionError({
          where: `--set ${key}=${value}`,
          expected: "a recipe whose OOD sets have names",
          received: `${document.title}, whose sets come together (${ood})`,
          hint: "write a recipe that extends it, with data.ood of its own and without the paper's numbers",
        });
      }
      return { ...document, data: { ...document.data, ood: { ...ood, [set]: inPlace(ood[set], value) } } };
    };
  }
  const ofKind = (first === "train" || first === "tune") && rest.length > 0;
  const kinds: readonly StageKind[] = ofKind ? [first] : ["train", "tune"];
  const option = ofKind ? name : key;
  const fitting = (task: Task) => kinds.filter((kind) => known(task, kind).includes(option));
  if (fitting("classification").length === 0 && fitting("segmentation").length === 0) {
    throw new OptionError({
      where: `--set ${key}=${value}`,
      expected:
        "an option of train or tune, limit, per-class, size, evaluate.prior-scenes, evaluate.score-options.NAME, or data.id, data.outliers, data.test, data.normalize, data.ood.NAME",
      received: `"${key}"`,
      hint: "see `offmap train --help` and `offmap tune --help`",
    });
  }
  const put = (task: Task, kind: StageKind, told: RawStageOptions): RawStageOptions => {
    if (!fitting(task).includes(kind)) return told;
    return changedOptions(told, { [option]: value });
  };
  return (document) => mapStages(document, put);
}

/** Data that stages take from the recipe unless they name their own: changed there, so that the evaluation goes by them too. */
function withData(key: string, value: string): (document: RecipeDocument) => RecipeDocument {
  return (document) => {
    const data = { ...document.data, [key]: value };
    return mapStages({ ...document, data }, (_task, _kind, { [key]: _own, ...told }) => told);
  };
}

/** Changes the options of stages, and their defaults. */
function mapStages(
  document: RecipeDocument,
  change: (task: Task, kind: StageKind, told: RawStageOptions) => RawStageOptions,
): RecipeDocument {
  const { task, defaults, stages } = document;
  return {
    ...document,
    defaults: {
      ...(defaults.train && { train: change(task, "train", defaults.train) }),
      ...(defaults.tune && { tune: change(task, "tune", defaults.tune) }),
    },
    stages: stages.map((stage) => {
      if ("train" in stage) return { train: change(task, "train", stage.train) };
      return "tune" in stage ? { tune: change(task, "tune", stage.tune) } : stage;
    }),
  };
}

function evaluatedWith(name: string, value: string, where: string): (document: RecipeDocument) => RecipeDocument {
  const number = Number(value);
  const [, option] = /^score-options\.(\w+)$/.exec(name) ?? [];
  const isScenes = name === "prior-scenes" && Number.isSafeInteger(number) && number >= 1;
  if (!isScenes && (option === undefined || !Number.isFinite(number))) {
    throw new OptionError({
      where,
      expected: "evaluate.prior-scenes or evaluate.score-options.NAME with a number",
      received: `"${name}=${value}"`,
    });
  }
  // Options of scores are of segmentation networks alone.
  return (document) => {
    const { evaluate, task } = document;
    if (option === undefined) return { ...document, evaluate: { ...evaluate, "prior-scenes": number } };
    if (task === "classification") return document;
    const options = { ...evaluate["score-options"], [option]: number };
    return { ...document, evaluate: { ...evaluate, "score-options": options } };
  };
}

function fewerImages(key: "limit" | "per-class", value: string): (document: RecipeDocument) => RecipeDocument {
  if (!/^[1-9]\d*$/.test(value)) {
    throw new OptionError({
      where: `--set ${key}=${value}`,
      expected: "a number of images of at least 1",
      received: `"${value}"`,
    });
  }
  const fewer = (spec: string) => withOption(spec, key, value);
  return (document) => {
    const { id, outliers, test, ood } = document.data;
    // A limit on a long tail would leave classes without an image.
    if (key === "per-class") {
      return document.task === "segmentation" ? document : { ...document, data: { ...document.data, id: fewer(id) } };
    }
    const data = { ...document.data, test: fewer(test), ood: mapSets(ood, fewer) };
    return { ...document, data: outliers === undefined ? data : { ...data, outliers: fewer(outliers) } };
  };
}

/** Changes the training scenes and the test sets; objects have no size of scenes. */
function mapScenes(document: RecipeDocument, change: (spec: string) => string): RecipeDocument {
  const { id, test, ood } = document.data;
  return { ...document, data: { ...document.data, id: change(id), test: change(test), ood: mapSets(ood, change) } };
}

function mapSets(ood: RecipeDocument["data"]["ood"], change: (spec: string) => string): RecipeDocument["data"]["ood"] {
  if (typeof ood === "string") return change(ood);
  const changed = Object.entries(ood).map(([name, set]) => [name, inPlace(set, change(specOf(set)))] as const);
  return Object.fromEntries(changed);
}

const specOf = (set: OodSetDocument): string => (typeof set === "string" ? set : set.scenes);

/** Other images in a set; objects that are pasted into its scenes stay. */
const inPlace = (set: OodSetDocument | undefined, spec: string): OodSetDocument =>
  typeof set === "object" ? { ...set, scenes: spec } : spec;

/** A dataset with an option in place of the one it may have. Files often lie in class order, so what a limit keeps is drawn. */
function withOption(spec: string, name: "limit" | "per-class" | "size", value: string): string {
  const [location = "", options = ""] = spec.split(/\?(?=[a-z-]+=)/);
  const kept = options.split("&").filter((option) => option !== "" && !option.startsWith(`${name}=`));
  const seed = name === "limit" && !kept.some((option) => option.startsWith("seed=")) ? ["seed=1"] : [];
  return `${location}?${[...kept, `${name}=${value}`, ...seed].join("&")}`;
}
