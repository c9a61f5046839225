/**
 * Times fine-tuning and evaluation against the same work in PyTorch and scikit-learn, in one run, and writes
 * docs/results/speed.md and speed.json.
 *
 *   npm run build && npm run bench -- [--threads 2] [--batch 128] [--outlier-batch 256] [--repeats 2] [--only resnet20,...]
 *
 * The two sides take turns, so that a machine that slows down slows both. Each measurement is the difference of a short and a
 * longer run of a fresh process, divided by the steps (images) between them: what a further step costs, without start-up,
 * compilation and warm-up. Those are in a column of their own. Images are seeded noise, which costs what any image costs.
 * PYTHON names the interpreter (/usr/bin/python3) that has torch, onnx and scikit-learn.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readModel } from "../src/onnx/index.js";
import { LocalEngine } from "../src/runtime/index.js";
import { asClassifier } from "../src/training/index.js";
import { type Limits, machineLimits, multiplyAdds } from "./limits.js";
import { writeJpegs, writeNoise } from "./noise.js";
import { type Cost, compare, difference, execute, type Run } from "./processes.js";

/** The flags of this run, for the document it writes. */
const given = process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(" ")}` : "";

const python = process.env.PYTHON ?? "/usr/bin/python3";
const flag = (value: string) => ({ type: "string", default: value }) as const;
const { values: flags } = parseArgs({
  options: {
    threads: flag("2"),
    batch: flag("128"),
    "outlier-batch": flag("256"),
    repeats: flag("2"),
    only: flag("resnet20,wrn-40-2,resnet18"),
    out: flag("docs/results"),
  },
});

/** Steps of the short and of the long run, more where a step is short; the first ones allocate. And images of each set in the short and the long evaluation. */
const stepsOf = (architecture: string) =>
  architecture === "resnet20" ? { short: 2, long: 14 } : { short: 2, long: 5 };
const mostSteps = 14;
/** Steps on stored features take microseconds, so that many are needed to see them. */
const storedSteps = { short: 50, long: 550 };
const evaluated = { short: 250, long: 3000 };

interface Work {
  readonly name: string;
  readonly train: "all" | "head";
  readonly bn: "batch" | "frozen";
  readonly augment: boolean;
}
const works: readonly Work[] = [
  { name: "all, batch statistics", train: "all", bn: "batch", augment: false },
  { name: "all, frozen statistics", train: "all", bn: "frozen", augment: false },
  { name: "head, augmented", train: "head", bn: "frozen", augment: true },
  { name: "head, stored features", train: "head", bn: "frozen", augment: false },
];

interface Row {
  readonly model: string;
  readonly work: string;
  /** Images of one unit. */
  readonly images: number;
  /** Additions and multiplications of one image in convolutions and matrix products. */
  readonly operations: number;
  readonly offmap: Cost;
  readonly torch: Cost;
}

const offmap = (parameters: readonly string[], loop: (printed: Record<string, number>) => number) =>
  execute(process.execPath, ["dist/cli/main.js", ...parameters, "--threads", flags.threads, "--json"], loop);
const torch = (parameters: readonly string[]) =>
  execute(
    python,
    ["-W", "ignore", "bench/training.py", ...parameters, "--threads", flags.threads],
    ({ seconds }) => seconds as number,
  );

type Counts = ReturnType<typeof multiplyAdds>;

/** Backward, a layer takes twice the forward work, the first one once. Stored features leave the head alone, which counts for nothing. */
function operationsOf({ train, augment }: Work, { all, first }: Counts): number {
  if (train === "all") return 2 * (3 * all - first);
  return augment ? 2 * all : 0;
}

async function tuning(folder: string, architecture: string, work: Work, counts: Counts): Promise<Row> {
  const images = Number(flags.batch) + Number(flags["outlier-batch"]);
  const model = join(folder, `${architecture}.onnx`);
  const shared = [
    ...["--model", model, "--train", work.train, "--bn", work.bn, "--loss", "balanced-energy"],
    ...["--batch", flags.batch, "--outlier-batch", flags["outlier-batch"], "--lr", "0.000001"],
    ...["--m-in", "-7", "--m-out", "-3", "--alpha", "5", "--gamma", "0.75"],
  ];
  const units = work.train === "head" && !work.augment ? storedSteps : stepsOf(architecture);
  const both = async (run: (count: string) => Promise<Run>) =>
    difference(await run(String(units.short)), await run(String(units.long)), units, "seconds");
  const known = join(folder, "known.bin");
  const outliers = join(folder, "outliers.bin");
  const result = await compare(
    {
      offmap: () =>
        both((count) =>
          offmap(
            [
              ...["tune", "--id", `cifar:${known}`, "--outliers", `cifar:${outliers}`, ...shared, "--steps", count],
              ...["--prior", join(folder, "prior.json"), "--hold-out", "0", "--out", join(folder, "run")],
              ...(work.augment ? [] : ["--no-augment", "--no-shuffle"]),
            ],
            (printed) => (printed.seconds_per_step as number) * (printed.steps as number),
          ),
        ),
      torch: () =>
        both((count) =>
          torch([
            ...["tune", "--architecture", architecture, "--id", known, "--outliers", outliers, ...shared],
            ...["--steps", count, ...(work.augment ? ["--augment"] : [])],
          ]),
        ),
    },
    Number(flags.repeats),
  );
  return { model: architecture, work: work.name, images, operations: operationsOf(work, counts), ...result };
}

/** From the files of both sets to the metrics. */
async function evaluation(
  folder: string,
  architecture: string,
  counts: Counts,
  kind: "CIFAR binary" | "JPEG folder",
): Promise<Row> {
  const model = join(folder, `${architecture}.onnx`);
  const units = { short: 2 * evaluated.short, long: 2 * evaluated.long };
  const both = async (run: (size: "short" | "long") => Promise<Run>) =>
    difference(await run("short"), await run("long"), units, "whole");
  const place = (size: string) => join(folder, kind === "JPEG folder" ? `jpeg-${size}` : `eval-${size}.bin`);
  const dataset = (size: string) => `${kind === "JPEG folder" ? "folder" : "cifar"}:${place(size)}`;
  const result = await compare(
    {
      offmap: () =>
        both((size) =>
          offmap(
            ["eval", "--model", model, "--id", dataset(size), "--ood", `noise=${dataset(size)}`],
            () => Number.NaN,
          ),
        ),
      torch: () =>
        both((size) =>
          torch(["eval", "--architecture", architecture, "--model", model, "--id", place(size), "--ood", place(size)]),
        ),
    },
    Number(flags.repeats),
  );
  return { model: architecture, work: `evaluation, ${kind}`, images: 1, operations: 2 * counts.all, ...result };
}

/** A whole command of a user: the head of one model over many images, from the command line to the finished files. */
interface WholeRun {
  readonly model: string;
  readonly images: { readonly known: number; readonly outliers: number; readonly epochs: number };
  readonly seconds: number;
  /** One pass of evaluation over the images. */
  readonly pass: number;
  /** The plain loop in PyTorch, which runs the frozen part on every batch: its measured step times the number of steps. */
  readonly torch: number;
}

async function wholeHead(folder: string, architecture: string, rows: readonly Row[]): Promise<WholeRun> {
  const images = { known: 10_000, outliers: 20_000, epochs: 10 };
  const [known, outliers] = [join(folder, "many-known.bin"), join(folder, "many-outliers.bin")];
  writeNoise(known, images.known);
  writeNoise(outliers, images.outliers);
  const cache = mkdtempSync(join(tmpdir(), "offmap-cache-"));
  process.env.OFFMAP_CACHE = cache;
  const { whole } = await offmap(
    [
      ...[
        "tune",
        "--model",
        join(folder, `${architecture}.onnx`),
        "--id",
        `cifar:${known}`,
        "--outliers",
        `cifar:${outliers}`,
      ],
      ...["--train", "head", "--no-augment", "--epochs", String(images.epochs), "--out", join(folder, "whole")],
      ...["--batch", flags.batch, "--outlier-batch", flags["outlier-batch"]],
    ],
    () => Number.NaN,
  );
  delete process.env.OFFMAP_CACHE;
  rmSync(cache, { recursive: true });
  const unit = (work: string, side: "offmap" | "torch") =>
    (rows.find((row) => row.model === architecture && row.work === work) as Row)[side].unit;
  const steps = images.epochs * Math.ceil(images.known / Number(flags.batch));
  return {
    model: architecture,
    images,
    seconds: whole,
    pass: unit("evaluation, CIFAR binary", "offmap") * (images.known + images.outliers),
    torch: unit("head, augmented", "torch") * steps,
  };
}

function wholeText({ model, images, seconds, pass, torch }: WholeRun): string {
  return (
    `The head of ${model}, ${images.epochs} epochs over ${images.known} + ${images.outliers} images without augmentation, the whole command: ${seconds.toFixed(0)} s. ` +
    `The plain loop in PyTorch, with the frozen part in \`no_grad\` on every batch, would take ${torch.toFixed(0)} s (a measured step times the number of steps): ${(torch / seconds).toFixed(1)} times as long. ` +
    `One pass of evaluation over the same images takes ${pass.toFixed(0)} s, a share of ${(seconds / pass).toFixed(2)}.`
  );
}

function tableRow(
  { model, work, images, operations, offmap: ours, torch: theirs }: Row,
  { gigaflops }: Limits,
): string {
  const rate = (cost: Cost) => (images / cost.unit).toFixed(0);
  const share = (cost: Cost) =>
    operations === 0 ? "" : `${((100 * operations * images) / cost.unit / 1e9 / gigaflops).toFixed(0)} %`;
  const cells = [
    ...[model, work, rate(ours), rate(theirs), (theirs.unit / ours.unit).toFixed(2), share(ours), share(theirs)],
    ...[ours.megabytes.toFixed(0), theirs.megabytes.toFixed(0), ours.start.toFixed(1), theirs.start.toFixed(1)],
  ];
  return `| ${cells.join(" | ")} |`;
}

function document(rows: readonly Row[], whole: WholeRun | undefined, machine: string, limits: Limits): string {
  return `# Speed beside PyTorch

Written by \`npm run build && npm run bench${given}\`: ${machine}, ${flags.threads} threads a side, batches of ${flags.batch} + ${flags["outlier-batch"]} images of 32x32, balanced energy, median of ${flags.repeats} for each side in turn. Models may have been measured in several such runs (\`--only\`).
Images per second are those of a further step (for evaluation: a further image), without start-up and warm-up. **times as fast**: PyTorch's time over Offmap's. **of peak**: additions and multiplications in convolutions and matrix products, as a share of what a product of two 2048x2048 matrices reaches through ONNX Runtime, ${limits.gigaflops.toFixed(0)} GFLOP/s here; a sum of two tensors of 100 MB moves ${limits.gigabytes.toFixed(0)} GB/s.
Memory is the peak of the process. **start** is what else a short run of the whole command takes, seconds: loading, compiling, warming up, and, for stored features, computing them for all images; Offmap's \`tune\` also measures accuracy before and after and writes its files.
Offmap's \`eval\` also draws 200 bootstrap resamples for its intervals, which the scikit-learn side does not.

| model | work | images/s | PyTorch | times as fast | of peak | PyTorch | MB | PyTorch | start | PyTorch |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
${rows.map((row) => tableRow(row, limits)).join("\n")}
${whole === undefined ? "" : `\n${wholeText(whole)}\n`}`;
}

function earlier(path: string): { rows: Row[]; whole?: WholeRun } {
  return existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as { rows: Row[]; whole?: WholeRun })
    : { rows: [] };
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "offmap-bench-"));
  try {
    const architectures = flags.only.split(",");
    execFileSync(python, ["-W", "ignore", "bench/training.py", "export", folder, ...architectures]);
    // One epoch is as long as the longest run without augmentation, so that every batch is full.
    writeNoise(join(folder, "known.bin"), mostSteps * Number(flags.batch));
    writeNoise(join(folder, "outliers.bin"), mostSteps * Number(flags["outlier-batch"]));
    for (const size of ["short", "long"] as const) {
      writeNoise(join(folder, `eval-${size}.bin`), evaluated[size]);
      await writeJpegs(join(folder, `jpeg-${size}`), evaluated[size]);
    }
    const prior = [25, 20, 15, 10, 8, 7, 6, 4, 3, 2];
    const counts = { prior: prior.map((share) => share / 100), counts: prior, outliers: 100 };
    writeFileSync(join(folder, "prior.json"), JSON.stringify(counts));
    const engine = new LocalEngine({ threads: Number(flags.threads) });
    const limits = await machineLimits(engine, 10);
    await engine.close();
    const rows: Row[] = [];
    const add = (row: Row) => {
      rows.push(row);
      console.log(tableRow(row, limits));
    };
    for (const architecture of architectures) {
      const counts = multiplyAdds(asClassifier(await readModel(join(folder, `${architecture}.onnx`))), [3, 32, 32]);
      for (const work of works) add(await tuning(folder, architecture, work, counts));
      for (const kind of ["CIFAR binary", "JPEG folder"] as const) {
        add(await evaluation(folder, architecture, counts, kind));
      }
    }
    const largest = architectures.find((name) => name === "resnet18");
    const whole = largest === undefined ? undefined : await wholeHead(folder, largest, rows);
    // A model takes minutes: what other runs measured of other models stays.
    const before = earlier(join(flags.out, "speed.json"));
    rows.unshift(...before.rows.filter(({ model }) => !architectures.includes(model)));
    const headRun = whole ?? before.whole;
    const machine = `${cpus().length} x ${cpus()[0]?.model ?? "processor"}, Node ${process.version}`;
    mkdirSync(flags.out, { recursive: true });
    writeFileSync(join(flags.out, "speed.md"), document(rows, headRun, machine, limits));
    writeFileSync(
      join(flags.out, "speed.json"),
      `${JSON.stringify({ machine, limits, flags, storedSteps, evaluated, rows, whole: headRun }, null, 1)}\n`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
