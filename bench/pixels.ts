/**
 * Times the pooled metrics of anomaly segmentation over 10^7 to 10^9 pixels, beside scikit-learn for 10^7, and writes docs/results/pixels-speed.md.
 *
 *   npx tsx bench/pixels.ts [--sizes 1e7,2e8,1e9] [--out docs/results]
 *
 * Every measurement is a process of its own that may use one processor only (taskset). PYTHON names the interpreter (/usr/bin/python3) that has NumPy
 * and scikit-learn.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PixelRanking, presetMetrics } from "../src/metrics/index.js";
import { execute, type Run } from "./processes.js";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "1e7,2e8,1e9" },
    out: { type: "string", default: "docs/results" },
    // What a process of its own is to measure.
    kind: { type: "string" },
    pixels: { type: "string", default: "0" },
  },
});
const imagePixels = 1024 * 2048;
const comparedSize = 1e7;
const names = ["auroc", "aupr", "fpr95"] as const;

/** From two uniform numbers and whether the pixel is an outlier to a score. */
const kinds: Readonly<Record<string, (u: number, v: number, outlier: number) => number>> = {
  "steps of 1/1024, many ties": (u, v, outlier) => Math.round((6 * (u + v) + 1.5 * outlier - 12) * 1024) / 1024,
  "any float32 from -12 to 2": (u, v, outlier) => 6 * (u + v) + 1.5 * outlier - 12,
  "any float32 from 1e-18 to 2, even in the logarithm": (u, _, outlier) => Math.exp(-40 * u + outlier),
};

/** Images of 1024x2048, made one after the other in the same memory: 1 % outliers, 9 % void. */
function* images(kind: string, pixels: number) {
  const scoreOf = kinds[kind] as (typeof kinds)[string];
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const scores = new Float32Array(imagePixels);
  const mask = new Uint8Array(imagePixels);
  for (let start = 0; start < pixels; start += imagePixels) {
    const size = Math.min(imagePixels, pixels - start);
    for (let index = 0; index < size; index++) {
      const draw = uniform();
      const outlier = draw < 0.01 ? 1 : 0;
      mask[index] = draw < 0.1 ? (outlier === 1 ? 1 : 255) : 0;
      scores[index] = scoreOf(uniform(), uniform(), outlier);
    }
    yield { scores: scores.subarray(0, size), mask: mask.subarray(0, size) };
  }
}

/** Adds all images and computes the metrics; making the images is not counted. */
function measure(kind: string, pixels: number) {
  const ranking = new PixelRanking();
  const spent = { seconds: 0, processor: 0 };
  const timed = <T>(work: () => T): T => {
    const [start, before] = [performance.now(), process.cpuUsage()];
    const result = work();
    const { user, system } = process.cpuUsage(before);
    spent.seconds += (performance.now() - start) / 1000;
    spent.processor += (user + system) / 1e6;
    return result;
  };
  for (const { scores, mask } of images(kind, pixels)) timed(() => ranking.add(scores, mask));
  const { values, thresholds } = timed(() => {
    const counts = ranking.ranking();
    const metrics = presetMetrics("official");
    return {
      values: Object.fromEntries(names.map((name) => [name, metrics[name](counts)])),
      thresholds: counts.thresholds.length,
    };
  });
  return { ...spent, thresholds, ...values };
}

interface Measured {
  readonly run: Run;
  readonly printed: Readonly<Record<string, number>>;
}

async function inProcess(command: readonly string[]): Promise<Measured> {
  let printed: Record<string, number> = {};
  const run = await execute("taskset", ["-c", "0", ...command], (values) => {
    printed = values;
    return values.seconds as number;
  });
  return { run, printed };
}

/** bench/metrics.py takes the valid pixels of either kind as an array each. */
async function sklearn(folder: string, kind: string, pixels: number): Promise<Measured> {
  const files = [0, 1].map((wanted) => {
    const path = join(folder, `${wanted}.f32`);
    writeFileSync(path, Buffer.concat(ofKind(kind, pixels, wanted)));
    return path;
  });
  return inProcess([process.env.PYTHON ?? "/usr/bin/python3", "bench/metrics.py", ...files, "official", "1"]);
}

function ofKind(kind: string, pixels: number, wanted: number): Buffer[] {
  const parts: Buffer[] = [];
  for (const { scores, mask } of images(kind, pixels)) {
    parts.push(Buffer.from(scores.filter((_, index) => mask[index] === wanted).buffer));
  }
  return parts;
}

function tableRow(kind: string, pixels: number, { run, printed }: Measured, other?: Measured): string {
  const difference =
    other && Math.max(...names.map((name) => Math.abs((printed[name] ?? 0) - (other.printed[name] ?? 0))));
  const cells = [
    ...[pixels.toExponential(0), kind, (printed.thresholds as number).toExponential(1)],
    ...[(printed.seconds as number).toFixed(1), (printed.processor as number).toFixed(1), run.megabytes.toFixed(0)],
    ...(other
      ? [other.run.seconds.toFixed(1), other.run.megabytes.toFixed(0), (difference as number).toExponential(1)]
      : ["", "", ""]),
  ];
  return `| ${cells.join(" | ")} |`;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "offmap-bench-"));
  const rows: string[] = [];
  try {
    for (const size of flags.sizes.split(",")) {
      for (const kind of Object.keys(kinds)) {
        const pixels = Number(size);
        const command = [process.execPath, "--import", "tsx", "bench/pixels.ts", "--kind", kind, "--pixels", size];
        const ours = await inProcess(command);
        rows.push(
          tableRow(kind, pixels, ours, pixels <= comparedSize ? await sklearn(folder, kind, pixels) : undefined),
        );
        console.log(rows.at(-1));
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  mkdirSync(flags.out, { recursive: true });
  writeFileSync(join(flags.out, "pixels-speed.md"), documentOf(rows));
}

const documentOf = (rows: readonly string[]) => `# Pooled pixel metrics

Written by \`npx tsx bench/pixels.ts\`: ${cpus().length} x ${cpus()[0]?.model ?? "processor"}, Node ${process.version}, each process bound to one processor. AUROC, AUPR and FPR at 95 % recall (preset
\`official\`) of anomaly maps of 1024x2048, of whose pixels 1 % are outliers and 9 % void, added one after the other. **s** is the time from the first map to the numbers without that for making the maps,
**processor s** what of it the processor spent on this process, **MB** the peak of the whole process. scikit-learn has the valid pixels in memory from the start; **difference** is the largest over the three metrics. **thresholds** is how many the ranking has: one per
distinct score, and from 2^27 distinct scores on those without an outlier pixel joined with their neighbours, which changes no metric.

| pixels | scores | thresholds | s | processor s | MB | scikit-learn, s | scikit-learn, MB | difference |
|--:|---|--:|--:|--:|--:|--:|--:|--:|
${rows.join("\n")}
`;

if (flags.kind === undefined) await main();
else console.log(JSON.stringify(measure(flags.kind, Number(flags.pixels))));
