/** The stages of recipes are told what `offmap train` and `offmap tune` are told: by the same names, checked by the same declarations. */
import type { KnownOptions, StageKind, StageOptionReader } from "../benchmarks/sweep/index.js";
import { OptionError } from "../errors.js";
import { train } from "./commands/train.js";
import { tune } from "./commands/tune.js";
import { unknownKey } from "./config-file.js";
import { searchOptions, type ToldSearch, toldSearch } from "./loss-options.js";
import { nameOf, type OptionDeclarations, type OptionValues } from "./option.js";
import { parseOptions, type RawOptions } from "./raw-options.js";
import { isSegmentationArchitecture } from "./segmentation/architectures.js";
import {
  headDropoutOption,
  imageFlags,
  imageTraining,
  sceneTraining,
  sceneTrainingOptions,
} from "./segmentation/training-options.js";
import { toldTraining } from "./training-options.js";

/** What the sweep decides and not the recipe; presets would hide what a row is made of. */
const decided = ["out", "resume", "seed", "model", "device", "threads", "preset", "task"];

const ofScenesAlone = Object.keys({ ...sceneTrainingOptions, ...headDropoutOption });

const ofImages: Readonly<Record<StageKind, OptionDeclarations>> = {
  train: without(train.options, [...decided, ...ofScenesAlone]),
  tune: without(tune.options, [...decided, ...ofScenesAlone]),
};
const ofScenes: Readonly<Record<StageKind, OptionDeclarations>> = {
  train: without(train.options, [...decided, ...Object.keys(imageFlags)]),
  tune: without(tune.options, [...decided, ...Object.keys(imageFlags), ...Object.keys(searchOptions)]),
};
const declarations = { classification: ofImages, segmentation: ofScenes } as const;

function without(options: OptionDeclarations, keys: readonly string[]): OptionDeclarations {
  return Object.fromEntries(Object.entries(options).filter(([key]) => !keys.includes(key)));
}

const namesOf: KnownOptions = (task, kind) =>
  Object.entries(declarations[task][kind]).map(([key, option]) => nameOf(key, option));

export const knownStageOptions = namesOf;

export const stageOptionReader: StageOptionReader = async (task, kind, options, where) => {
  const own = declarations[task][kind];
  const keys = new Map(Object.entries(own).map(([key, option]) => [nameOf(key, option), key]));
  const raw: RawOptions = new Map();
  for (const [name, value] of Object.entries(options)) {
    const key = keys.get(name);
    if (key === undefined) throw unknownKey(name, where, namesOf(task, kind));
    const texts = (Array.isArray(value) ? value : [value]).map((item) => ({
      text: String(item),
      where: `${where}, ${name}`,
    }));
    raw.set(key, texts);
  }
  try {
    const values = (await parseOptions(raw, own, kind)) as OptionValues<typeof train.options>;
    const isScenes = task === "segmentation";
    if (kind === "train" && isSegmentationArchitecture(values.arch) !== isScenes) {
      const expected = isScenes ? "a segmentation network" : "an image classifier";
      const hint = isScenes ? undefined : "recipes of segmentation networks say `task: segmentation`";
      throw new OptionError({ where: `${where}, arch`, expected, received: values.arch, ...(hint && { hint }) });
    }
    const { searchAlpha, searchGamma, ...options } = values as typeof values & ToldSearch;
    const training = toldTraining({ ...options, out: "" });
    if (isScenes) {
      const { out: _none, ...ofScenes } = await sceneTraining(training);
      return ofScenes;
    }
    const { out: _out, ...told } = await imageTraining(training);
    const lists = { ...(searchAlpha && { searchAlpha }), ...(searchGamma && { searchGamma }) };
    return { ...told, ...toldSearch({ ...options, ...lists }) };
  } catch (error) {
    // What is missing is missing in the recipe.
    if (!(error instanceof OptionError) || error.details.where?.startsWith(where)) throw error;
    throw new OptionError({ ...error.details, where });
  }
};
