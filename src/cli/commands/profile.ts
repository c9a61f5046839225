import type { Profile } from "../../runtime/index.js";
import { inColumns } from "../columns.js";
import { defineCommand } from "../command.js";
import { oneLine } from "../failures.js";
import { integer, oneOf, text } from "../parsers.js";
import { type ProfileRow, summarise } from "../profile-rows.js";

const defaults = { batch: 64, repeats: 5, top: 20 };

export const profile = defineCommand({
  name: "profile",
  summary: "Where the time of a model or of a fine-tuning step goes.",
  description:
    "Runs a model on noise, or one training step as a run of `offmap tune` makes it, under ONNX Runtime's profiler on the CPU, and adds up what its operators or nodes take. A step includes the frozen part where the run takes every batch through it. The nodes are those after ONNX Runtime's own optimizations. The first run is not counted.",
  options: {
    target: {
      positional: true,
      placeholder: "MODEL|RUN",
      required: true,
      help: "ONNX file, or the folder of a finished run",
      parser: text("the path of an ONNX file or of a run"),
    },
    batch: {
      placeholder: "N",
      help: "images in one run of a model; a run has its own number",
      default: String(defaults.batch),
      parser: integer({ min: 1, max: 100_000 }),
    },
    shape: {
      placeholder: "C,H,W",
      help: "size of one image, for a model that takes any",
      default: "the model's own",
      parser: {
        async parse(given: string, where: string): Promise<readonly number[]> {
          const sizes = await Promise.all(
            given.split(",").map((part) => integer({ min: 1, max: 100_000 }).parse(part, where)),
          );
          if (sizes.length === 3) return sizes;
          const { OptionError } = await import("../../errors.js");
          throw new OptionError({
            where,
            expected: "channels, height and width, such as 3,224,224",
            received: `"${given}"`,
          });
        },
      },
    },
    by: {
      placeholder: "WHAT",
      help: "what a row stands for",
      default: "operator",
      parser: oneOf(["operator", "node"]),
    },
    top: {
      placeholder: "N",
      help: "rows to show; --json has all",
      default: String(defaults.top),
      parser: integer({ min: 1, max: 100_000 }),
    },
    repeats: {
      placeholder: "N",
      help: "runs that count, each at their median",
      default: String(defaults.repeats),
      // The profile of a hundred runs of a large graph already has 100 MB.
      parser: integer({ min: 1, max: 100 }),
    },
    threads: {
      placeholder: "N",
      help: "threads for one operator",
      default: "those of the run, else one per core",
      parser: integer({ min: 1, max: 1024 }),
    },
  },
  examples: [
    { does: "Which operators a model spends its time in", line: "profile model.onnx --batch 128" },
    {
      does: "The slowest nodes of a training step, after `offmap tune --out runs/first ...`",
      line: "profile runs/first --by node --top 10",
    },
  ],
  async run({ target, batch, shape, by = "operator", top = defaults.top, repeats = defaults.repeats, threads }, io) {
    const { stat } = await import("node:fs/promises");
    const { profileModel } = await import("../../runtime/index.js");
    const { inferenceGraph, stepGraph } = await import("../../training/index.js");
    const isRun = await stat(target).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isRun) {
      for (const [flag, given] of Object.entries({ "--batch": batch, "--shape": shape })) {
        if (given !== undefined) io.warn(`${flag} has no effect on the profile of a run, which has its own`);
      }
    }
    const work = isRun
      ? await stepGraph(target)
      : await inferenceGraph(target, { batch: batch ?? defaults.batch, shape });
    const { title, images } = work;
    const used = threads ?? work.threads;
    const settings = { repeats, signal: io.signal, ...(used === undefined ? {} : { threads: used }) };
    const found: { part: string; profile: Profile }[] = [];
    for (const [part, { model, feeds }] of Object.entries(work.parts)) {
      found.push({ part, profile: await profileModel(model, feeds, settings) });
    }
    const parts = found.map(({ part, profile: { milliseconds } }) => ({ part, milliseconds }));
    const milliseconds = parts.reduce((sum, part) => sum + part.milliseconds, 0);
    const rows = summarise(
      found.flatMap(({ profile: { nodes } }) => nodes),
      by,
    );
    const result = {
      target,
      what: title,
      images,
      milliseconds,
      images_per_second: (1000 * images) / milliseconds,
      parts,
      rows,
    };
    await io.write(result, () => profileText(result, top));
  },
});

interface Profiled {
  readonly what: string;
  readonly milliseconds: number;
  readonly images_per_second: number;
  readonly parts: readonly { readonly part: string; readonly milliseconds: number }[];
  readonly rows: readonly ProfileRow[];
}

function profileText({ what, milliseconds, images_per_second, parts, rows }: Profiled, top: number): string {
  const shown = rows.slice(0, top);
  const cells = shown.map(({ name, op, calls, milliseconds: spent, share, gflops }) => [
    oneLine(op === undefined ? name : `${name} (${op})`),
    String(calls),
    spent.toFixed(2),
    `${(100 * share).toFixed(1)} %`,
    gflops === null ? "" : gflops.toFixed(0),
  ]);
  const split =
    parts.length > 1 ? ` (${parts.map((one) => `${one.part} ${one.milliseconds.toFixed(1)} ms`).join(", ")})` : "";
  const rest = rows.slice(top).reduce((sum, row) => sum + row.milliseconds, 0);
  return [
    what,
    `${milliseconds.toFixed(1)} ms per run${split}, ${images_per_second.toFixed(0)} images/s`,
    "",
    ...inColumns([["", "calls", "ms", "share", "GFLOP/s"], ...cells], ["left", "right", "right", "right", "right"]),
    ...(rest > 0 ? [`... and ${rows.length - shown.length} more rows, ${rest.toFixed(2)} ms (--top, --json)`] : []),
  ].join("\n");
}
