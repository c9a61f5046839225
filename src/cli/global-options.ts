import type { OptionDeclarations } from "./option.js";
import { toggle } from "./option.js";
import { integer, oneOf, text } from "./parsers.js";

const everywhere = "Everywhere:";

/** Options of every command that a configuration file may hold too. */
export const outputOptions = {
  json: toggle("print one JSON document on standard output and nothing else, errors included", { group: everywhere }),
  quiet: toggle("show no progress", { short: "q", group: everywhere }),
} satisfies OptionDeclarations;

/** Options of every command that only make sense on the command line. */
export const commandLineOptions = {
  config: {
    placeholder: "FILE",
    group: everywhere,
    help: "read options from a YAML file whose keys are the long flags without dashes; flags win over it",
    parser: text("the path of a YAML file"),
  },
  help: toggle("show this help", { short: "h", group: everywhere }),
} satisfies OptionDeclarations;

/** For every command that runs a model. */
export const engineOptions = {
  device: {
    placeholder: "DEVICE",
    group: "Engine:",
    help: "where the model runs",
    default: "cpu",
    parser: oneOf(["cpu", "webgpu", "cuda"]),
  },
  threads: {
    placeholder: "N",
    group: "Engine:",
    help: "threads for one operator",
    default: "one for each processor core",
    parser: integer({ min: 1, max: 1024 }),
  },
} as const satisfies OptionDeclarations;
