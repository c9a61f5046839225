/**
 * Times the detection metrics against scikit-learn on the same float32 scores, with ties, checks that the values agree, and writes
 * docs/results/metrics-speed.md.
 *
 *   npm run build && npx tsx bench/metrics.ts [--sizes 1e6,1e7,1e8] [--out docs/results]
 *
 * Every measurement is a process of its own, one thread a side, from arrays in memory to numbers, best of several runs (one run from 10^8 on).
 * PYTHON names the interpreter (/usr/bin/python3) that has NumPy and scikit-learn.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type PresetName, presets } from "../src/metrics/index.js";
import { execute, type Run } from "./processes.js";

const { values: flags } = parseArgs({
  options: { sizes: { type: "string", default: "1e6,1e7,1e8" }, out: { type: "string", default: "docs/results" } },
});
const names = ["auroc", "aupr", "fpr95"] as const;
type Printed = { readonly seconds: number } & Record<(typeof names)[number], number>;

/** Scores rounded to multiples of 1/grid: the coarser, the more of them are tied, within the set and with the other. */
function gridScores(count: number, mean: number, grid: number, seed: number): Float32Array {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const scores = new Float32Array(count);
  for (let index = 0; index < count; index++) {
    const bell = uniform() + uniform() + uniform() + uniform() - 2;
    scores[index] = Math.round((mean + 2 * bell) * grid) / grid;
  }
  return scores;
}

async function measure(file: string, parameters: readonly string[]): Promise<{ run: Run; printed: Printed }> {
  let printed: Printed | undefined;
  const run = await execute(file, parameters, (values) => {
    printed = values as Printed;
    return printed.seconds;
  });
  return { run, printed: printed as unknown as Printed };
}

interface Row {
  readonly scores: number;
  readonly grid: number;
  readonly preset: PresetName;
  readonly offmap: Run;
  readonly sklearn: Run;
  /** Largest of the three metrics. */
  readonly difference: number;
}

async function row(folder: string, total: number, grid: number, preset: PresetName): Promise<Row> {
  const files = [join(folder, "id.f32"), join(folder, "ood.f32")];
  const repeats = total >= 1e8 ? "1" : "3";
  const theirs = await measure(process.env.PYTHON ?? "/usr/bin/python3", [
    "bench/metrics.py",
    ...files,
    preset,
    repeats,
  ]);
  const ours = await measure(process.execPath, ["bench/metrics-offmap.mjs", ...files, preset, repeats]);
  const difference = Math.max(...names.map((name) => Math.abs(ours.printed[name] - theirs.printed[name])));
  return { scores: total, grid, preset, offmap: ours.run, sklearn: theirs.run, difference };
}

function tableRow({ scores, grid, preset, offmap, sklearn, difference }: Row): string {
  const cells = [
    ...[scores.toExponential(0), `1/${grid}`, preset, offmap.seconds.toFixed(3), sklearn.seconds.toFixed(2)],
    ...[(sklearn.seconds / offmap.seconds).toFixed(1), offmap.megabytes.toFixed(0), sklearn.megabytes.toFixed(0)],
    difference.toExponential(1),
  ];
  return `| ${cells.join(" | ")} |`;
}

const folder = mkdtempSync(join(tmpdir(), "offmap-bench-"));
const rows: Row[] = [];
try {
  for (const total of flags.sizes.split(",").map(Number)) {
    for (const grid of [2 ** 10, 2 ** 20]) {
      writeFileSync(join(folder, "id.f32"), gridScores(total / 2, -8, grid, 1));
      writeFileSync(join(folder, "ood.f32"), gridScores(total / 2, -6.5, grid, 2));
      for (const preset of Object.keys(presets) as PresetName[]) {
        const measured = await row(folder, total, grid, preset);
        rows.push(measured);
        console.log(tableRow(measured));
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
const machine = `${cpus().length} x ${cpus()[0]?.model ?? "processor"}, Node ${process.version}`;
mkdirSync(flags.out, { recursive: true });
writeFileSync(join(flags.out, "metrics-speed.json"), `${JSON.stringify({ machine, rows }, null, 1)}\n`);
writeFileSync(
  join(flags.out, "metrics-speed.md"),
  `# Metrics beside scikit-learn

Written by \`npm run build && npx tsx bench/metrics.ts\`: ${machine}. AUROC, AUPR and FPR at 95 % recall of float32 scores, half of them in-distribution, rounded to a
grid so that many are tied. One thread a side, from arrays in memory to numbers, best of three runs in one process (one run for 10^8). MB is the peak of the process, the scores and the runtime included. **difference** is the largest between the two sides over the three metrics.

| scores | grid | preset | Offmap, s | scikit-learn, s | times as fast | MB | scikit-learn | difference |
|--:|--:|---|--:|--:|--:|--:|--:|--:|
${rows.map(tableRow).join("\n")}
`,
);
