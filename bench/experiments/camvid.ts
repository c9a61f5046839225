/**
 * Held-out classes of CamVid: a small DeepLabV3+ learns nine classes from nothing, pedestrian and bicyclist being void; its head is tuned with
 * pasted cut-outs by several losses, and the two classes are the anomalies of the test. Writes docs/results/segmentation.md.
 *
 *   OFFMAP_CAMVID=DIR OFFMAP_CUTOUTS=DIR npx tsx bench/experiments/camvid.ts [--runs DIR] [--seeds 1] [--threads N] [--table]
 *
 * OFFMAP_CAMVID holds train, val and test, OFFMAP_CUTOUTS the folders outliers and ood-test. Every run keeps its folder, so that a killed
 * experiment goes on where it stopped; finished numbers are in docs/results/runs/camvid.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { evaluateSegmentation } from "../../src/benchmarks/segmentation/index.js";
import {
  openOutlierObjects,
  openSegmentation,
  pastedDataset,
  planPastes,
  type SegmentationDataset,
} from "../../src/data/index.js";
import { writeFileAtomic } from "../../src/files.js";
import type { PixelScoreName } from "../../src/guard/segmentation/index.js";
import { readModel } from "../../src/onnx/index.js";
import { createEngine } from "../../src/runtime/index.js";
import {
  asClassifier,
  type TuneSegmentationOptions,
  trainSegmentation,
  tuneSegmentation,
} from "../../src/training/index.js";

type Loss = NonNullable<TuneSegmentationOptions["loss"]>;

interface Setting {
  readonly name: string;
  /** Undefined: the network as it was trained. */
  readonly loss?: Loss;
  readonly lossOptions?: TuneSegmentationOptions["lossOptions"];
  readonly score: PixelScoreName;
}

const settings: readonly Setting[] = [
  { name: "untouched, MSP", score: "msp" },
  { name: "untouched, max logit", score: "max-logit" },
  { name: "untouched, entropy", score: "entropy" },
  { name: "untouched, energy", score: "energy" },
  { name: "OE", loss: "oe", score: "msp" },
  { name: "EnergyOE", loss: "energy", score: "energy" },
  { name: "Balanced EnergyOE", loss: "balanced-energy", lossOptions: { alpha: 5, gamma: 3 }, score: "energy" },
  { name: "PEBAL", loss: "pebal", score: "energy" },
  { name: "Balanced Energy PEBAL", loss: "balanced-pebal", lossOptions: { alpha: 5, gamma: 3 }, score: "energy" },
];

interface Numbers {
  readonly miou: number;
  readonly heldOut: Record<"auroc" | "aupr" | "fpr95", number>;
  readonly pasted: Record<"auroc" | "aupr" | "fpr95", number>;
}

const resultsFolder = "docs/results/runs/camvid";
const pasteSeed = 1;
const pasting = { scale: [0.5, 1], feather: 1 } as const;

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "runs" },
    seeds: { type: "string", default: "1,2,3" },
    threads: { type: "string" },
    // Only the table, of the runs that are finished.
    table: { type: "boolean", default: false },
  },
});
const engine = flags.threads === undefined ? {} : { engine: { threads: Number(flags.threads) } };
const camvid = process.env.OFFMAP_CAMVID ?? "";
const scenesOf = (split: string, held: "void" | "outlier") =>
  `camvid:${camvid}?split=${split}&${held}=pedestrian,bicyclist&size=180x240`;
const objects = (split: string) => `cutouts:${join(process.env.OFFMAP_CUTOUTS ?? "", split)}`;

async function pretrained(seed: number): Promise<string> {
  const out = join(flags.runs, `camvid9-seed${seed}`);
  // The last network and not the best of any epoch, so that validation has no say in what it later judges.
  const model = join(out, "model.onnx");
  if (existsSync(model)) return model;
  const resume = existsSync(join(out, "checkpoint.onnx"));
  await trainSegmentation({
    ...{ id: scenesOf("train", "void"), val: scenesOf("val", "void"), arch: "deeplabv3plus-small", out },
    ...{ epochs: 60, batch: 8, seed, resume, ...engine },
  });
  return model;
}

async function tuned(model: string, { loss, lossOptions }: Setting, seed: number): Promise<string> {
  if (loss === undefined) return model;
  const out = join(flags.runs, `camvid9-${loss}-seed${seed}`);
  const resume = existsSync(join(out, "checkpoint.onnx"));
  const result = await tuneSegmentation({
    ...{
      model,
      id: scenesOf("train", "void"),
      outliers: objects("outliers"),
      out,
      loss,
      train: "head",
      epochs: 5,
      seed,
    },
    ...{ resume, outlierShare: 0.5, paste: pasting, priorScenes: 300, ...engine },
    ...(lossOptions === undefined ? {} : { lossOptions }),
  });
  return result.out;
}

async function numbersOf(path: string, score: PixelScoreName): Promise<Numbers> {
  const running = await createEngine(engine.engine);
  try {
    const classifier = asClassifier(await readModel(path), path);
    const plain = await openSegmentation(scenesOf("test", "void"));
    const cutouts = await openOutlierObjects(objects("ood-test"));
    const plan = await planPastes(plain, cutouts, pasteSeed, pasting);
    const judge = async (dataset: SegmentationDataset) => {
      const { rows, segmentation } = await evaluateSegmentation(running, classifier, dataset, {
        scores: [score],
        preset: "official",
      });
      const { auroc, aupr, fpr95 } = rows[0] as (typeof rows)[number];
      return { metrics: { auroc, aupr, fpr95 }, miou: segmentation?.miou ?? Number.NaN };
    };
    const heldOut = await judge(await openSegmentation(scenesOf("test", "outlier")));
    const pasted = await judge(await pastedDataset(plain, cutouts, plan));
    return { miou: heldOut.miou, heldOut: heldOut.metrics, pasted: pasted.metrics };
  } finally {
    await running.close();
  }
}

const found = new Map<string, Numbers[]>();
for (const seed of flags.seeds.split(",").map(Number)) {
  for (const setting of settings) {
    const name = setting.name.replace(/[^a-z0-9]+/gi, "-").toLowerCase();
    const done = join(resultsFolder, `${name}-seed${seed}.json`);
    if (!existsSync(done)) {
      if (flags.table) continue;
      const numbers = await numbersOf(await tuned(await pretrained(seed), setting, seed), setting.score);
      await mkdir(dirname(done), { recursive: true });
      await writeFileAtomic(done, `${JSON.stringify(numbers, null, 2)}\n`);
    }
    const numbers = JSON.parse(await readFile(done, "utf8")) as Numbers;
    found.set(setting.name, [...(found.get(setting.name) ?? []), numbers]);
    console.error(`${setting.name}, seed ${seed}: ${JSON.stringify(numbers)}`);
  }
}

/** Mean, and over several seeds the standard deviation, in percent. */
function cell(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  const percent = (value: number) => (100 * value).toFixed(2);
  return values.length === 1 ? percent(mean) : `${percent(mean)} ± ${percent(spread)}`;
}

const measures = (of: readonly Numbers[], set: "heldOut" | "pasted") =>
  (["auroc", "aupr", "fpr95"] as const).map((measure) => cell(of.map((numbers) => numbers[set][measure]))).join(" | ");
const rows = [...found].map(
  ([name, of]) =>
    `| ${name} | ${of.length} | ${cell(of.map(({ miou }) => miou))} | ${measures(of, "heldOut")} | ${measures(of, "pasted")} |`,
);
await writeFileAtomic(
  "docs/results/segmentation.md",
  `# Segmentation on CamVid

Written by \`OFFMAP_CAMVID=DIR OFFMAP_CUTOUTS=DIR npx tsx bench/experiments/camvid.ts\`, from the runs that are finished; the column n says how many seeds.

- Network: \`deeplabv3plus-small\`, trained from nothing for 60 epochs on the 367 training frames at 180x240 with nine classes; pedestrian and bicyclist are void. The network after the last epoch.
- Tuned rows: the head (\`final.*\`) for 5 epochs with cut-outs pasted into half of the scenes, everything else at its default (margins fitted to the network, statistics frozen); alpha 5 and gamma 3 are the paper's. No setting was chosen on these tables.
- **Held-out classes**: the 233 test frames, pedestrian and bicyclist as anomalies. **Pasted**: the same frames with one cut-out of other categories each (\`planPastes\`, seed ${pasteSeed}), pedestrian and bicyclist void. All pixels of all frames in one ranking, anomalies positive, percent: AUROC, AP, FPR95 (preset \`official\`).
- mIoU: of the nine classes on the test frames. Neither set is a benchmark of the paper, and no number here is comparable with a cell of it.

| | n | mIoU ↑ | held-out AUROC ↑ | AP ↑ | FPR95 ↓ | pasted AUROC ↑ | AP ↑ | FPR95 ↓ |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
${rows.join("\n")}
`,
);
