import { OptionError } from "../../errors.js";
import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { toggle } from "../option.js";
import { integer, type Parser, text } from "../parsers.js";

const keyValue: Parser<{ readonly key: string; readonly value: string }> = {
  async parse(given, where) {
    const [, key, value] = /^([\w.-]+)=(.*)$/s.exec(given) ?? [];
    if (key !== undefined && value !== undefined && value !== "") return { key, value };
    throw new OptionError({ where, expected: "KEY=VALUE, such as epochs=1", received: `"${given}"` });
  },
};

export const bench = defineCommand({
  name: "bench",
  summary: "Run recipes with several seeds and write one table of them.",
  description:
    "Trains and evaluates what the recipes say, as many runs at once as the machine has room for. What recipes have in common is trained once. The folder given by --out gets stages/ (a run folder each), results/ (numbers of each run), table.md, table.csv, table.tex and report.html, written anew after every run. Repeat the command after ctrl-C or a crash: it goes on where it stopped. Recipes are described in docs/recipes.md.",
  options: {
    recipes: {
      placeholder: "RECIPE",
      positional: true,
      required: true,
      many: {},
      help: "recipe, folder of recipes or pattern; also of those that come with Offmap, such as small/cifar10-lt",
      parser: text("a recipe"),
    },
    out: {
      placeholder: "DIR",
      required: true,
      help: "folder for everything",
      parser: text("the path of a folder"),
    },
    seeds: {
      placeholder: "S,S,...",
      many: { separator: "," },
      help: "seeds of the runs",
      default: "1,2,3",
      parser: integer({ min: 0, max: 2 ** 31 - 1 }),
    },
    set: {
      placeholder: "KEY=VALUE",
      many: {},
      help: "change the recipes: an option of their stages such as epochs=1 (train.epochs=1: of those that train), limit=N images of each test set and the outliers, per-class=N training images, data.id=DS, data.ood.NAME=DS and the like; may be repeated",
      parser: keyValue,
    },
    plan: toggle("say what would be run, and under which keys, and run nothing"),
    jobs: {
      placeholder: "N",
      group: "Engine:",
      help: "runs at once",
      default: "as many as there are cores for, and memory by what the first runs take",
      parser: integer({ min: 1, max: 4096 }),
    },
    device: engineOptions.device,
    threads: {
      ...engineOptions.threads,
      help: "threads of each run",
      default: "1, or more where there are fewer runs than cores",
    },
  },
  examples: [
    {
      does: "The rows of one table, on two data sets the size of which a laptop can do",
      line: "bench small/cifar10-lt small/cifar100-lt --seeds 1,2,3 --out sweep",
    },
    { does: "See first what that means", line: "bench small/cifar10-lt --out sweep --plan" },
    {
      does: "Whether recipes work at all, in minutes",
      line: "bench recipes/mine --seeds 1 --out trial --set steps=2 --set limit=200 --set per-class=20",
    },
  ],
  async run(options, io) {
    const { runBench } = await import("../bench.js");
    await runBench(options, io);
  },
});
