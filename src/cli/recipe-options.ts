/** The stages of recipes are told what `offmap train` and `offmap tune` are told: by the same names, checked by the same declarations. */
import type { KnownOptions, RawStageOptions, StageOptionReader, StageOptions } from "../benchmarks/sweep/index.js";
import { OptionError } from "../errors.js";
import type { TrainOptions, TuneOptions } from "../training/index.js";
import { train } from "./commands/train.js";
import { tune } from "./commands/tune.js";
import { unknownKey } from "./config-file.js";
import { nameOf, type OptionDeclarations, type OptionValues } from "./option.js";
import { parseOptions, type RawOptions } from "./raw-options.js";
import { isSegmentationArchitecture } from "./segmentation/architectures.js";
import { imageTraining, sceneTrainingOptions } from "./segmentation/training-options.js";
import { type ToldSearch, toldSearch, toldTraining } from "./training-options.js";

type Kind = "train" | "tune";

/** What the sweep decides and not the recipe; presets would hide what a row is made of, and scenes have no recipes. */
const decided = [
  ...["out", "resume", "seed", "model", "device", "threads", "preset", "task"],
  ...Object.keys(sceneTrainingOptions),
];

const declarations: Readonly<Record<Kind, OptionDeclarations>> = {
  train: without(train.options),
  tune: without(tune.options),
};

function without(options: OptionDeclarations): OptionDeclarations {
  return Object.fromEntries(Object.entries(options).filter(([key]) => !decided.includes(key)));
}

const namesOf = (kind: Kind) => Object.entries(declarations[kind]).map(([key, option]) => nameOf(key, option));

export const knownStageOptions: KnownOptions = namesOf;

export const stageOptionReader: StageOptionReader = { read };

async function read(kind: "train", options: RawStageOptions, where: string): Promise<StageOptions<TrainOptions>>;
async function read(kind: "tune", options: RawStageOptions, where: string): Promise<StageOptions<TuneOptions>>;
async function read(kind: Kind, options: RawStageOptions, where: string): Promise<object> {
  const keys = new Map(Object.entries(declarations[kind]).map(([key, option]) => [nameOf(key, option), key]));
  const raw: RawOptions = new Map();
  for (const [name, value] of Object.entries(options)) {
    const key = keys.get(name);
    if (key === undefined) throw unknownKey(name, where, namesOf(kind));
    const texts = (Array.isArray(value) ? value : [value]).map((item) => ({
      text: String(item),
      where: `${where}, ${name}`,
    }));
    raw.set(key, texts);
  }
  try {
    const values = (await parseOptions(raw, declarations[kind], kind)) as OptionValues<typeof train.options>;
    if (kind === "train" && isSegmentationArchitecture(values.arch)) {
      throw new OptionError({ where: `${where}, arch`, expected: "an image classifier", received: values.arch });
    }
    const { searchAlpha, searchGamma, ...options } = values as typeof values & ToldSearch;
    const { out: _out, ...told } = await imageTraining(toldTraining({ ...options, out: "" }));
    const lists = { ...(searchAlpha && { searchAlpha }), ...(searchGamma && { searchGamma }) };
    return { ...told, ...toldSearch({ ...options, ...lists }) };
  } catch (error) {
    // What is missing is missing in the recipe.
    if (!(error instanceof OptionError) || error.details.where?.startsWith(where)) throw error;
    throw new OptionError({ ...error.details, where });
  }
}
