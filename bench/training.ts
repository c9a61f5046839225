/**
 * Times fine-tuning and evaluation against the same work in PyTorch and scikit-learn, in one run, and writes
 * docs/results/speed.md and speed.json.
 *
 *   npm run build && npm run bench -- [--threads 2] [--batch 32] [--outlier-batch 64] [--repeats 3] [--only resnet20,...]
 *
 * The two sides take turns, so that a machine that slows down slows both. Each measurement is the difference of a short and a
 * longer run of a fresh process, divided by the steps (images) between them: what a further step costs, without start-up,
 * compilation and warm-up. Those are in a column of their own. Images are seeded noise, which costs what any image costs.
 * PYTHON names the interpreter (/usr/bin/python3) that has torch, onnx and scikit-learn.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** The flags of this run, for the document it writes. */
const given = process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(" ")}` : "";

const python = process.env.PYTHON ?? "/usr/bin/python3";
const flag = (value: string) => ({ type: "string", default: value }) as const;
const { values: flags } = parseArgs({
  options: {
    threads: flag("2"),
    batch: flag("32"),
    "outlier-batch": flag("64"),
    repeats: flag("3"),
    only: flag("resnet20,wrn-40-2,resnet18"),
    out: flag("docs/results"),
  },
});

/** Steps of the short and of the long run, and images of each set in the short and the long evaluation. */
const steps = { short: 2, long: 8 };
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

/** One process: seconds of its loop and of all of it, and the most memory it held, in MB. */
interface Run {
  readonly seconds: number;
  readonly whole: number;
  readonly megabytes: number;
}
interface Cost {
  /** Seconds per step or per image. */
  readonly unit: number;
  /** Seconds of the short run's process that are not its steps. */
  readonly start: number;
  readonly megabytes: number;
}
interface Row {
  readonly model: string;
  readonly work: string;
  /** Images of one unit. */
  readonly images: number;
  readonly offmap: Cost;
  readonly torch: Cost;
}

/** Peak resident memory that Linux has on record for a running process, in MB; 0 once it has ended. */
function peakMemory(pid: number): number {
  try {
    const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kilobytes ?? 0) / 1024;
  } catch {
    return 0;
  }
}

async function execute(
  file: string,
  parameters: readonly string[],
  loopSeconds: (printed: Record<string, number>) => number,
): Promise<Run> {
  const started = performance.now();
  // Idle OpenMP threads would otherwise spin and take the processor from the other side's warm-up.
  const child = spawn(file, parameters, {
    env: { ...process.env, OMP_WAIT_POLICY: "passive" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let megabytes = 0;
  const watch = setInterval(() => {
    megabytes = Math.max(megabytes, peakMemory(child.pid as number));
  }, 20);
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    printed += part;
  });
  const code = await new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
  clearInterval(watch);
  if (code !== 0) throw new Error(`${file} ${parameters.join(" ")} ended with ${code}: ${printed}`);
  const whole = (performance.now() - started) / 1000;
  return { seconds: loopSeconds(JSON.parse(printed) as Record<string, number>), whole, megabytes };
}

const offmap = (parameters: readonly string[], loop: (printed: Record<string, number>) => number) =>
  execute(process.execPath, ["dist/cli/main.js", ...parameters, "--threads", flags.threads, "--json"], loop);
const torch = (parameters: readonly string[]) =>
  execute(
    python,
    ["-W", "ignore", "bench/training.py", ...parameters, "--threads", flags.threads],
    ({ seconds }) => seconds as number,
  );

/** What a further unit costs, from a short and a long run. */
function difference(short: Run, long: Run, units: { short: number; long: number }, of: "seconds" | "whole"): Cost {
  const unit = (long[of] - short[of]) / (units.long - units.short);
  return { unit, start: short.whole - unit * units.short, megabytes: long.megabytes };
}

function medianCost(costs: readonly Cost[]): Cost {
  const of = (pick: (cost: Cost) => number) => {
    const sorted = costs.map(pick).sort((a, b) => a - b);
    return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2;
  };
  return { unit: of((c) => c.unit), start: of((c) => c.start), megabytes: of((c) => c.megabytes) };
}

/** Measures both sides in turn, `repeats` times. */
async function compare(measure: { offmap: () => Promise<Cost>; torch: () => Promise<Cost> }) {
  const costs = { offmap: [] as Cost[], torch: [] as Cost[] };
  for (let repeat = 0; repeat < Number(flags.repeats); repeat++) {
    const order = repeat % 2 === 0 ? (["torch", "offmap"] as const) : (["offmap", "torch"] as const);
    for (const side of order) costs[side].push(await measure[side]());
  }
  return { offmap: medianCost(costs.offmap), torch: medianCost(costs.torch) };
}

async function tuning(folder: string, architecture: string, work: Work): Promise<Row> {
  const images = Number(flags.batch) + Number(flags["outlier-batch"]);
  const model = join(folder, `${architecture}.onnx`);
  const shared = [
    ...["--model", model, "--train", work.train, "--bn", work.bn, "--loss", "balanced-energy"],
    ...["--batch", flags.batch, "--outlier-batch", flags["outlier-batch"], "--lr", "0.000001"],
    ...["--m-in", "-7", "--m-out", "-3", "--alpha", "5", "--gamma", "0.75"],
  ];
  const units = work.train === "head" && !work.augment ? storedSteps : steps;
  const both = async (run: (count: string) => Promise<Run>) =>
    difference(await run(String(units.short)), await run(String(units.long)), units, "seconds");
  const known = join(folder, "known.bin");
  const outliers = join(folder, "outliers.bin");
  const result = await compare({
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
  });
  return { model: architecture, work: work.name, images, ...result };
}

async function evaluation(folder: string, architecture: string): Promise<Row> {
  const model = join(folder, `${architecture}.onnx`);
  const units = { short: 2 * evaluated.short, long: 2 * evaluated.long };
  const both = async (run: (size: "short" | "long") => Promise<Run>) =>
    difference(await run("short"), await run("long"), units, "whole");
  const file = (size: string) => join(folder, `eval-${size}.bin`);
  const result = await compare({
    offmap: () =>
      both((size) =>
        offmap(
          ["eval", "--model", model, "--id", `cifar:${file(size)}`, "--ood", `noise=cifar:${file(size)}`],
          () => Number.NaN,
        ),
      ),
    torch: () =>
      both((size) =>
        torch(["eval", "--architecture", architecture, "--model", model, "--id", file(size), "--ood", file(size)]),
      ),
  });
  return { model: architecture, work: "evaluation", images: 1, ...result };
}

/** A CIFAR binary of seeded noise. */
function writeNoise(path: string, images: number): void {
  const record = 1 + 3 * 32 * 32;
  const bytes = new Uint8Array(images * record);
  let state = 1;
  for (let place = 0; place < bytes.length; place++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[place] = place % record === 0 ? (state >>> 24) % 10 : state >>> 24;
  }
  writeFileSync(path, bytes);
}

function tableRow({ model, work, images, offmap: ours, torch: theirs }: Row): string {
  const rate = (cost: Cost) => (images / cost.unit).toFixed(0);
  const cells = [
    ...[model, work, rate(ours), rate(theirs), (ours.unit / theirs.unit).toFixed(2)],
    ...[ours.megabytes.toFixed(0), theirs.megabytes.toFixed(0), ours.start.toFixed(1), theirs.start.toFixed(1)],
  ];
  return `| ${cells.join(" | ")} |`;
}

function document(rows: readonly Row[], machine: string): string {
  return `# Speed beside PyTorch

Written by \`npm run build && npm run bench${given}\`: ${machine}, ${flags.threads} threads a side, batches of ${flags.batch} + ${flags["outlier-batch"]} images of 32x32, balanced energy, median of ${flags.repeats} for each side in turn.
Images per second are those of a further step (for evaluation: a further image), without start-up and warm-up. **ratio** is Offmap's time over PyTorch's: below 1, Offmap is faster.
Memory is the peak of the process. **start** is what else a short run of the whole command takes, seconds: loading, compiling, warming up, and, for stored features, computing them for all images; Offmap's \`tune\` also measures accuracy before and after and writes its files.
Offmap's \`eval\` also draws 200 bootstrap resamples for its intervals, which the scikit-learn side does not.

| model | work | images/s | PyTorch | ratio | MB | PyTorch | start | PyTorch |
|---|---|--:|--:|--:|--:|--:|--:|--:|
${rows.map(tableRow).join("\n")}
`;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "offmap-bench-"));
  try {
    const architectures = flags.only.split(",");
    execFileSync(python, ["-W", "ignore", "bench/training.py", "export", folder, ...architectures]);
    // One epoch is as long as the longest run without augmentation, so that every batch is full.
    writeNoise(join(folder, "known.bin"), steps.long * Number(flags.batch));
    writeNoise(join(folder, "outliers.bin"), steps.long * Number(flags["outlier-batch"]));
    for (const size of ["short", "long"] as const) writeNoise(join(folder, `eval-${size}.bin`), evaluated[size]);
    const prior = [25, 20, 15, 10, 8, 7, 6, 4, 3, 2];
    const counts = { prior: prior.map((share) => share / 100), counts: prior, outliers: 100 };
    writeFileSync(join(folder, "prior.json"), JSON.stringify(counts));
    const rows: Row[] = [];
    const add = (row: Row) => {
      rows.push(row);
      console.log(tableRow(row));
    };
    for (const architecture of architectures) {
      for (const work of works) add(await tuning(folder, architecture, work));
      add(await evaluation(folder, architecture));
    }
    const machine = `${cpus().length} x ${cpus()[0]?.model ?? "processor"}, Node ${process.version}`;
    mkdirSync(flags.out, { recursive: true });
    writeFileSync(join(flags.out, "speed.md"), document(rows, machine));
    writeFileSync(
      join(flags.out, "speed.json"),
      `${JSON.stringify({ machine, flags, steps, storedSteps, evaluated, rows }, null, 1)}\n`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
