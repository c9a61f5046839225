/** Reads recipes: YAML, `extends`, environment variables, and stages taken over from other recipes. */
import { readFile } from "node:fs/promises";
import { basename, dirname, extname, resolve } from "node:path";
import { parseDocument } from "yaml";
import type { z } from "zod";
import { FormatError, OptionError } from "../../errors.js";
import type { Task } from "../../training/index.js";
import type { TestScenes } from "../segmentation/index.js";
import { changedOptions } from "./opposites.js";
import {
  type OodSetDocument,
  type PaperNumbers,
  type RawStageOptions,
  type RecipeDocument,
  recipeSchema,
} from "./recipe-schema.js";

/** One training run of a recipe, or the model that it starts from. */
export type RecipeStage =
  | { readonly kind: "model"; readonly path: string; readonly where: string }
  | {
      readonly kind: "train" | "tune";
      /** By the long flags of the command; `id` and `normalize` are those of the recipe's data unless it says otherwise. */
      readonly options: RawStageOptions;
      /** The recipe's outliers, for stages whose loss uses some and that name none. */
      readonly outliers: string | undefined;
      /** How errors call the stage. */
      readonly where: string;
    };

export interface Recipe {
  /** `TABLE/FILE`, without the ending of the file. */
  readonly name: string;
  readonly file: string;
  readonly title: string;
  readonly table: string;
  readonly task: Task;
  readonly order: number;
  readonly todo?: string;
  readonly data: {
    readonly id: string;
    readonly outliers?: string | undefined;
    readonly test: string;
    /** One spec of images without a name may be several sets. */
    readonly ood: readonly TestScenes[];
    readonly normalize?: string | undefined;
  };
  readonly stages: readonly RecipeStage[];
  readonly evaluate: {
    /** Empty: the score that the last loss shapes. */
    readonly scores: readonly string[];
    /** Indices into `stages`. */
    readonly scoresFrom: number;
    readonly accuracyFrom: number;
    readonly adjust: boolean;
    readonly prior: boolean;
    readonly priorScenes: number;
    readonly fitOutliers: boolean;
    readonly scoreOptions: Readonly<Record<string, number>>;
  };
  readonly paper?: PaperNumbers;
  readonly notes: readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** More files than any chain of recipes needs. */
const deepest = 20;

/**
 * @param environment  gives the values of `${OFFMAP_...}`
 * @param adapt        changes the document before it is taken apart, for `--set`
 * @throws FormatError | OptionError naming the file, and the place in it where one is known
 */
export async function readRecipe(
  file: string,
  environment: Environment,
  adapt: (document: RecipeDocument) => RecipeDocument = (document) => document,
): Promise<Recipe> {
  return readWithin(file, environment, adapt, []);
}

async function readWithin(
  file: string,
  environment: Environment,
  adapt: (document: RecipeDocument) => RecipeDocument,
  within: readonly string[],
): Promise<Recipe> {
  if (within.includes(file) || within.length > deepest) {
    throw new FormatError({ where: file, problem: "it takes stages from itself", hint: "break the circle" });
  }
  const merged = substitute(await readMerged(file, []), environment, file);
  const checked = recipeSchema.safeParse(merged);
  if (!checked.success) throw wrongDocument(file, checked.error);
  const document = adapt(checked.data);
  const { data, evaluate, defaults, title, table, task, order, todo, paper, notes } = document;
  const stages: RecipeStage[] = [];
  for (const [index, stage] of document.stages.entries()) {
    if ("recipe" in stage) {
      stages.push(...(await readWithin(stage.recipe, environment, adapt, [...within, file])).stages);
      continue;
    }
    if ("model" in stage) {
      stages.push({ kind: "model", path: stage.model, where: `${file}, stage ${index + 1} (model)` });
      continue;
    }
    const kind = "train" in stage ? "train" : "tune";
    const told = "train" in stage ? stage.train : stage.tune;
    const { id, normalize } = data;
    const options = {
      id,
      ...(normalize === undefined ? {} : { normalize }),
      ...changedOptions(defaults[kind] ?? {}, told),
    };
    stages.push({ kind, options, outliers: data.outliers, where: `${file}, stage ${index + 1} (${kind})` });
  }
  checkOrder(stages, file);
  checkTask(document, file);
  const { ood, ...otherData } = data;
  const { score = [], "scores-from": scoresFrom, "accuracy-from": accuracyFrom, adjust, prior } = evaluate;
  return {
    ...{ name: `${table}/${basename(file, extname(file))}`, file, title, table, task, order, stages, notes },
    ...(todo === undefined ? {} : { todo }),
    ...(paper === undefined ? {} : { paper }),
    data: {
      ...otherData,
      ood: typeof ood === "string" ? [{ spec: ood }] : Object.entries(ood).map(([name, set]) => oodSet(name, set)),
    },
    evaluate: {
      scores: typeof score === "string" ? [score] : score,
      scoresFrom: stageIndex(scoresFrom, stages, `${file}, evaluate.scores-from`),
      accuracyFrom: stageIndex(accuracyFrom ?? scoresFrom, stages, `${file}, evaluate.accuracy-from`),
      adjust,
      prior,
      priorScenes: evaluate["prior-scenes"],
      fitOutliers: evaluate["fit-outliers"],
      scoreOptions: evaluate["score-options"],
    },
  };
}

function oodSet(name: string, set: OodSetDocument): TestScenes {
  if (typeof set === "string") return { name, spec: set };
  const { scenes: spec, paste: objects, seed, scale, feather } = set;
  const how = { ...(scale && { scale }), ...(feather !== undefined && { feather }) };
  return { name, spec, paste: { objects, seed, ...how } };
}

/** What only one of the tasks has. */
function checkTask({ task, data: { ood }, evaluate: { adjust } }: RecipeDocument, file: string): void {
  const pasted = Object.entries(ood).find(([, set]) => typeof set === "object")?.[0];
  if (task === "classification" && pasted !== undefined) {
    const expected = "images, unless the recipe says `task: segmentation`";
    throw new OptionError({ where: `${file}, data.ood.${pasted}`, expected, received: "scenes to paste objects into" });
  }
  if (task === "segmentation" && adjust) {
    throw new OptionError({
      where: `${file}, evaluate.adjust`,
      expected: "image classifiers",
      received: `task: ${task}`,
    });
  }
}

/** The first stage makes or names a model, and every later one goes on from it. */
function checkOrder(stages: readonly RecipeStage[], file: string): void {
  for (const [index, { kind }] of stages.entries()) {
    if ((index === 0) === (kind !== "tune")) continue;
    throw new OptionError({
      where: `${file}, stage ${index + 1}`,
      expected:
        index === 0 ? "train or model, as there is nothing to go on from" : "tune, which goes on from the stage before",
      received: kind,
    });
  }
}

function stageIndex(number: number | undefined, stages: readonly RecipeStage[], where: string): number {
  const index = (number ?? stages.length) - 1;
  if (index < stages.length) return index;
  throw new OptionError({
    where,
    expected: `a stage of the recipe (1 to ${stages.length})`,
    received: String(number),
  });
}

type Tree = Record<string, unknown>;

/** Whether a file is a recipe, or only shared by recipes: those have no title of their own. */
export async function isRecipe(file: string): Promise<boolean> {
  return "title" in (await readTree(file));
}

async function readMerged(file: string, within: readonly string[]): Promise<Tree> {
  if (within.includes(file) || within.length > deepest) {
    throw new FormatError({ where: file, problem: "it extends itself", hint: "break the circle" });
  }
  const { extends: base, ...own } = await readTree(file);
  if (base === undefined) return own;
  if (typeof base !== "string") {
    throw new FormatError({
      where: `${file}, extends`,
      expected: "the path of a file",
      received: JSON.stringify(base),
    });
  }
  return merge(await readMerged(resolve(dirname(file), base), [...within, file]), own);
}

/** Mappings are merged, everything else is replaced; null takes away. */
function merge(base: Tree, own: Tree): Tree {
  const result = { ...base };
  for (const [key, value] of Object.entries(own)) {
    const before = result[key];
    if (value === null) delete result[key];
    else result[key] = isTree(value) && isTree(before) ? merge(before, value) : value;
  }
  return result;
}

const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

async function readTree(file: string): Promise<Tree> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new OptionError({
      where: file,
      expected: "a recipe (a YAML file)",
      received: cause.code === "ENOENT" ? "no such file" : String(cause),
      cause,
    });
  });
  const document = parseDocument(text, { prettyErrors: true });
  const broken = document.errors[0];
  if (broken !== undefined) throw new FormatError({ where: file, problem: `not valid YAML: ${broken.message}` });
  const tree = document.toJS() as unknown;
  if (!isTree(tree)) throw new FormatError({ where: file, expected: "a recipe as KEY: VALUE", received: typeof tree });
  return {
    ...tree,
    ...(Array.isArray(tree.stages) ? { stages: tree.stages.map((stage) => absolute(stage, file)) } : {}),
  };
}

/** Recipes name each other by paths relative to the file that names them, wherever it is merged into. */
function absolute(stage: unknown, file: string): unknown {
  if (!isTree(stage) || typeof stage.recipe !== "string") return stage;
  return { ...stage, recipe: resolve(dirname(file), stage.recipe) };
}

const purposes: Readonly<Record<string, string>> = {
  OFFMAP_DATA: "the folder with the data sets",
  OFFMAP_MODELS: "the folder with the ONNX models",
};

/** Puts in the values of environment variables whose names begin with OFFMAP_. */
function substitute<Value>(value: Value, environment: Environment, file: string): Value {
  const put = (text: string) =>
    text.replace(/\$\{(\w*)\}/g, (_, name: string) => {
      const found = /^OFFMAP_/.test(name) ? environment[name] : undefined;
      if (found) return found;
      throw new OptionError({
        where: `${file}, \${${name}}`,
        expected: `the environment variable ${name}${purposes[name] === undefined ? "" : ` to be ${purposes[name]}`}`,
        received: /^OFFMAP_/.test(name) ? "nothing" : "a name that does not begin with OFFMAP_",
        ...(/^OFFMAP_/.test(name) ? { hint: `set it, as in \`${name}=DIR offmap bench ...\`` } : {}),
      });
    });
  const walk = (node: unknown): unknown => {
    if (typeof node === "string") return put(node);
    if (Array.isArray(node)) return node.map(walk);
    return isTree(node) ? Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item)])) : node;
  };
  return walk(value) as Value;
}

function wrongDocument(file: string, { issues }: z.ZodError): FormatError {
  const [issue] = issues;
  const place = issue?.path.join(".") ?? "";
  return new FormatError({
    where: place === "" ? file : `${file}, ${place}`,
    problem: (issue?.message ?? "it is not a recipe").replace(/^Invalid input: /, ""),
    hint: "see docs/recipes.md",
  });
}
