/** Options that several commands have. */
import type { Normalization } from "../data/index.js";
import { OptionError } from "../errors.js";
import { namedDataset } from "./named-dataset.js";
import type { Option, OptionDeclarations } from "./option.js";
import { integer, oneOf, type Parser, text } from "./parsers.js";

const inputs = "Model and data:";

export const dataset = text("a dataset such as folder:DIR or cifar:FILE");

const normalization: Parser<Normalization> = {
  async parse(given, where) {
    const { parseNormalization } = await import("../data/index.js");
    try {
      return parseNormalization(given);
    } catch (error) {
      if (!(error instanceof OptionError)) throw error;
      throw new OptionError({ ...error.details, where });
    }
  },
};

export const scoreNames = async () => {
  const { scores } = await import("../scores/index.js");
  return Object.keys(scores) as (keyof typeof scores)[];
};

export const shared = {
  model: {
    placeholder: "FILE",
    group: inputs,
    required: true,
    help: "ONNX model",
    parser: text("the path of an ONNX file"),
  },
  normalize: {
    placeholder: "M,M,M:S,S,S",
    group: inputs,
    help: "means and standard deviations of the channels, of pixels in [0, 1]",
    default: "what the model's metadata say, else none",
    parser: normalization,
  },
  testSet: { placeholder: "DS", group: inputs, required: true, help: "in-distribution test images", parser: dataset },
  oodSets: {
    placeholder: "[NAME=]DS",
    group: inputs,
    required: true,
    many: {},
    help: "OOD test images, under a name for the table; may be repeated",
    parser: namedDataset,
  },
  batch: {
    placeholder: "N",
    help: "images per run of the model",
    default: "250",
    parser: integer({ min: 1, max: 65536 }),
  },
  readyScore: {
    placeholder: "NAME",
    help: "OOD score that needs no fit",
    default: "energy",
    parser: oneOf(scoreNames),
  },
  fit: {
    placeholder: "FILE",
    help: "score that `offmap fit` has written, in place of --score",
    parser: text("the path of an ONNX file"),
  },
  metricPreset: {
    placeholder: "NAME",
    help: "rules that the metrics are computed by",
    default: "official",
    parser: oneOf(async () => {
      const { presets } = await import("../metrics/index.js");
      return Object.keys(presets) as (keyof typeof presets)[];
    }),
  },
} as const satisfies OptionDeclarations;

/** An option that only one of the tasks needs. */
export const optional = <const O extends Option>(option: O, help: string): Omit<O, "required"> => {
  const { required: _required, ...rest } = option;
  return { ...rest, help };
};
