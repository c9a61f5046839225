/**
 * What Meta-OOD's classifier of segments takes out of anomaly maps of CamVid: the networks of the sweep `small/camvid`, the classifier fitted on the
 * validation scenes with objects of the training, and judged on the pasted set of that sweep. Writes docs/results/segments.md.
 *
 *   npm run build && OFFMAP_DATA=DIR npx tsx bench/experiments/segments.ts --sweep DIR [--work DIR] [--threads 2] [--out docs/results]
 *
 * `--sweep` is the folder that `offmap bench small/camvid --seeds 1,2,3 --out DIR` has left, with the tuned networks in it.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import type { SegmentMetrics, SegmentResults } from "../../src/benchmarks/segmentation/index.js";
import { writeFileAtomic } from "../../src/files.js";
import { grid, rowsOf, spread } from "./sweep-numbers.js";

const { values: flags } = parseArgs({
  options: {
    sweep: { type: "string", default: "docs/results/sweeps/small-camvid" },
    work: { type: "string", default: join(tmpdir(), "offmap-segments") },
    threads: { type: "string", default: "2" },
    out: { type: "string", default: "docs/results" },
  },
});
const data = process.env.OFFMAP_DATA ?? "";
const table = "small-camvid";
/** Rows of the sweep, each with the score whose segments are judged. */
const judged = [
  { row: "meta-ood", title: "Meta-OOD", score: "entropy" },
  { row: "balanced-energy", title: "Balanced EnergyOE", score: "energy" },
] as const;

const scenes = (split: string) => `camvid:${data}/camvid?split=${split}&void=pedestrian,bicyclist&size=180x240`;
const pasting = (objects: string) => [
  ...["--paste", `cutouts:${data}/cutouts/${objects}`, "--paste-seed", "1"],
  ...["--paste-scale", "0.5:1", "--feather", "1", "--threads", flags.threads],
];

const run = promisify(execFile);
const offmap = async (...args: string[]): Promise<unknown> => {
  const { stdout } = await run(process.execPath, ["dist/cli/main.js", ...args, "--json"], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout);
};

/** Fits and judges one network, or reads what that gave before. */
async function segmentsOf(row: string, seed: number, score: string, model: string): Promise<SegmentResults> {
  const kept = join(flags.work, `${row}-${seed}.json`);
  if (existsSync(kept)) return JSON.parse(await readFile(kept, "utf8")) as SegmentResults;
  const fitted = join(flags.work, `${row}-${seed}-segments.json`);
  const network = ["--model", model];
  await offmap(
    "fit",
    ...network,
    "--id",
    scenes("val"),
    ...pasting("outliers"),
    "--score",
    score,
    ...["--segments", "auto", "--out", fitted],
  );
  const found = (await offmap(
    ...["eval", ...network, "--ood", `pasted=${scenes("test")}`, ...pasting("ood-test"), "--scores", score],
    ...["--segments", fitted, "--components", "obstacle"],
  )) as { sets: { segments?: SegmentResults }[] };
  const segments = found.sets[0]?.segments;
  if (segments === undefined) throw new Error(`offmap eval told nothing of the segments of ${row}, seed ${seed}`);
  await writeFileAtomic(kept, JSON.stringify(segments));
  return segments;
}

type Measure = (metrics: SegmentMetrics) => number | null | undefined;
const measures: Readonly<Record<string, Measure>> = {
  "AUROC ↑": ({ auroc }) => auroc,
  "AP ↑": ({ aupr }) => aupr,
  "FPR95 ↓": ({ fpr95 }) => fpr95,
  "anomalous pixels found ↑": ({ tpr }) => tpr,
  "known pixels called ↓": ({ fpr }) => fpr,
  "sIoU ↑": ({ components }) => components?.siou,
  "PPV ↑": ({ components }) => components?.ppv,
  "F1\\* ↑": ({ components }) => components?.f1_mean,
};

await mkdir(flags.work, { recursive: true });
const rows = await rowsOf(flags.sweep, table);
const lines: string[][] = [];
for (const { row, title, score } of judged) {
  const found: SegmentResults[] = [];
  for (const [seed, { stages }] of [...(rows.get(row) ?? [])].sort(([a], [b]) => a - b)) {
    const model = join(flags.sweep, "stages", stages.at(-1) as string, "model.onnx");
    found.push(await segmentsOf(row, seed, score, model));
  }
  const percent = (which: "before" | "after", of: Measure) =>
    found.flatMap((one) => of(one[which]) ?? []).map((x) => 100 * x);
  const removed = spread(found.map((one) => (100 * one.removed) / one.segments));
  for (const which of ["before", "after"] as const) {
    const cells = Object.values(measures).map((of) => spread(percent(which, of)));
    lines.push([`${title}, ${score}, ${which}`, String(found.length), which === "after" ? removed : "", ...cells]);
  }
}

await writeFileAtomic(
  join(flags.out, "segments.md"),
  `# False alarms by segment

Written by \`npm run build && OFFMAP_DATA=DIR npx tsx bench/experiments/segments.ts --sweep DIR\` from the tuned networks of \`offmap bench small/camvid --seeds 1,2,3 --out DIR\`
([segmentation.md](segmentation.md) has their protocol).

\`fit --segments auto\` sees the 101 validation scenes of CamVid with a cut-out of the training objects pasted into each; \`eval --segments\` judges the 233 test scenes with cut-outs of *other* categories,
the set \`pasted\` of the sweep. Before and after what the classifier takes for false alarms is taken out of the map. Pixels found and called, and the metrics of components (those of SegmentMeIfYouCan, sizes of its obstacle
track), are at the threshold where the F1 of pixels is best on the validation scenes. Percent; over more than one seed the mean ± the sample standard deviation.

${grid(["", "seeds", "segments removed", ...Object.keys(measures)], lines)}
`,
);
