/**
 * Times the detection metrics against scikit-learn on the same float32 scores, with ties, and checks that the values agree.
 *
 *   npx rolldown bench/metrics.ts --platform node -o /tmp/bench-metrics.mjs && node /tmp/bench-metrics.mjs [--large]
 *
 * Run it from the root of the repository. Both sides start from arrays in memory, run in one thread and report the best of
 * several runs. `--large` adds 10^7 scores. PYTHON names the interpreter (python3) that has NumPy and scikit-learn.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DetectionMetrics, detectionMetrics, type PresetName, presets } from "../src/metrics/index.js";

interface Peer {
  readonly milliseconds: number;
  readonly values: Pick<DetectionMetrics, "auroc" | "aupr" | "fpr95">;
}

/** Scores rounded to multiples of 1/grid: the coarser, the more of them are tied, within the set and with the other. */
function gridScores(count: number, mean: number, grid: number, seed: number): Float32Array {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => {
    const bell = uniform() + uniform() + uniform() + uniform() - 2;
    return Math.round((mean + 2 * bell) * grid) / grid;
  });
}

function bestTime(repeats: number, run: () => DetectionMetrics): { milliseconds: number; values: DetectionMetrics } {
  let best = Infinity;
  let values = run(); // also warms the compiler up
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = performance.now();
    values = run();
    best = Math.min(best, performance.now() - start);
  }
  return { milliseconds: best, values };
}

function compare(total: number, grid: number, repeats: number): void {
  const folder = mkdtempSync(join(tmpdir(), "offmap-bench-"));
  try {
    const id = gridScores(total / 2, -8, grid, 1);
    const ood = gridScores(total / 2, -6.5, grid, 2);
    const files = [join(folder, "id.f32"), join(folder, "ood.f32")] as const;
    writeFileSync(files[0], id);
    writeFileSync(files[1], ood);
    const output = execFileSync(process.env.PYTHON ?? "python3", ["bench/metrics.py", ...files, String(repeats)]);
    const peers = JSON.parse(output.toString()) as Record<PresetName, Peer>;
    for (const preset of Object.keys(presets) as PresetName[]) {
      const ours = bestTime(repeats, () => detectionMetrics(id, ood, { preset }));
      const peer = peers[preset];
      const difference = Math.max(
        ...(["auroc", "aupr", "fpr95"] as const).map((name) => Math.abs(ours.values[name] - peer.values[name])),
      );
      console.log(
        [
          `${total.toExponential(0)} scores on a grid of 1/${grid}, ${preset}:`,
          `${ours.milliseconds.toFixed(0)} ms, scikit-learn ${peer.milliseconds.toFixed(0)} ms,`,
          `${(peer.milliseconds / ours.milliseconds).toFixed(1)} times faster;`,
          `largest difference ${difference.toExponential(1)}`,
        ].join(" "),
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const grid of [2 ** 10, 2 ** 20]) {
  compare(1e6, grid, 5);
  if (process.argv.includes("--large")) compare(1e7, grid, 3);
}
