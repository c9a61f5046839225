/** Options that several commands have. */
import type { Normalization } from "../data/index.js";
import { OptionError } from "../errors.js";
import type { OptionDeclarations } from "./option.js";
import { oneOf, type Parser, text } from "./parsers.js";

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
    help: "ONNX classifier",
    parser: text("the path of an ONNX file"),
  },
  normalize: {
    placeholder: "M,M,M:S,S,S",
    group: inputs,
    help: "means and standard deviations of the channels, of pixels in [0, 1]",
    default: "what the model's metadata say, else none",
    parser: normalization,
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
