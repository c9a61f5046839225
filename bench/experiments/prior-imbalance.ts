/**
 * Whether what the balanced loss gains over EnergyOE grows with the prior's imbalance, with nothing else changed: the same long-tailed
 * networks, and as many outliers from the same pool, drawn so that the network takes them for its classes more and less evenly. Writes
 * docs/results/prior-imbalance.md.
 *
 *   OFFMAP_DATA=DIR npx tsx bench/experiments/prior-imbalance.ts [--runs DIR] [--threads N] [--seeds 1,2,3] [--table]
 */
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { classCounts, createGenerator, openDataset, parseNormalization } from "../../src/data/index.js";
import { writeFileAtomic } from "../../src/files.js";
import { argmax } from "../../src/metrics/index.js";
import { readModel } from "../../src/onnx/index.js";
import { createEngine } from "../../src/runtime/index.js";
import { asClassifier } from "../../src/training/index.js";
import { predict } from "../../src/training/predict.js";
import { describePrior } from "../../src/training/prior.js";
import {
  cifarNormalization,
  dataFolder,
  type Experiment,
  experimentFlags,
  longTailCounts,
  type RunNumbers,
  resultsFolder,
  runExperiment,
} from "./protocol.js";
import { meanOver } from "./statistics.js";
import { grid, pretrainedNetwork, spread, verdict } from "./sweep-numbers.js";
import { unevenSample } from "./uneven-sample.js";

const { values: flags } = parseArgs({
  options: {
    ...experimentFlags,
    seeds: { type: "string", default: "1,2,3" },
  },
});
const threads = flags.threads === undefined ? undefined : Number(flags.threads);
const seeds = flags.seeds.split(",").map(Number);
const sweep = "docs/results/sweeps/small-cifar10-lt";
const outlierNumber = 4000;
/** Power of a class's share among all outliers that its share of the sample follows. */
const levels = { even: 0, "as they are": 1, uneven: 2 };
const shared = {
  train: "all",
  batchNorm: "frozen",
  batch: 128,
  outlierBatch: 256,
  learningRate: 0.001,
  momentum: 0.9,
  weightDecay: 5e-4,
  steps: 194,
} as const;

/** Writes the outliers of every level into the folder of a seed, and how the network takes them into the results. */
async function drawOutliers(model: string, seed: number, folder: string): Promise<void> {
  const file = join(dataFolder(), "tiny-imagenet-outliers.bin");
  const outliers = await openDataset(`cifar:${file}`);
  const engine = await createEngine(threads === undefined ? {} : { threads });
  const logits = await predict(engine, asClassifier(await readModel(model)), outliers, {
    normalization: parseNormalization(cifarNormalization),
  }).finally(() => engine.close());
  const classes = logits.length / outliers.length;
  const predicted = argmax(logits, classes);
  const bytes = await readFile(file);
  const record = bytes.length / outliers.length;
  for (const [level, power] of Object.entries(levels)) {
    const order = createGenerator(seed).fork("outliers").fork(level).permutation(outliers.length);
    const chosen = unevenSample(predicted, { classes, power, number: outlierNumber, order });
    const counts = classCounts(
      Int32Array.from(chosen, (index) => predicted[index] as number),
      classes,
    );
    await writeJson(priorFile(level, seed), describePrior([...counts]));
    await mkdir(folder, { recursive: true });
    const images = chosen.map((index) => bytes.subarray(index * record, (index + 1) * record));
    await writeFileAtomic(outlierFile(folder, level), Buffer.concat(images));
  }
}

const nameOf = (level: string) => `prior-${level.replaceAll(" ", "-")}`;
const outlierFile = (folder: string, level: string) => join(folder, `${nameOf(level)}.bin`);
const priorFile = (level: string, seed: number) => join(resultsFolder, nameOf(level), `prior-seed${seed}.json`);
async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
}

function experiment(level: string, seed: number, model: string, outliers: string): Experiment {
  return {
    name: nameOf(level),
    title: "",
    protocol: [],
    model,
    id: `cifar:${join(dataFolder(), "cifar10-train.bin")}?long-tail=exp:0.01`,
    outliers: `cifar:${outliers}`,
    normalization: cifarNormalization,
    classCounts: longTailCounts,
    settings: [
      { name: "energy", score: "energy", options: { ...shared, loss: "energy" } },
      { name: "balanced-energy", score: "energy", options: { ...shared, loss: "balanced-energy", gamma: 0.75 } },
    ],
    seeds: [seed],
  };
}

const average = (metric: "auroc" | "aupr" | "fpr95") => (run: RunNumbers) =>
  meanOver(Object.values(run.sets).map((set) => set[metric]));
const measures = {
  "AUROC ↑": average("auroc"),
  "AP ↑": average("aupr"),
  "FPR95 ↓": average("fpr95"),
  accuracy: (run: RunNumbers) => run.accuracy,
  few: (run: RunNumbers) => run.groups?.few ?? Number.NaN,
};

/** Numbers of the two losses, one per seed, in percent. */
const found = new Map<
  string,
  { energy: RunNumbers[]; balanced: RunNumbers[]; evenness: number[]; largest: number[] }
>();
for (const level of Object.keys(levels)) found.set(level, { energy: [], balanced: [], evenness: [], largest: [] });
for (const seed of seeds) {
  const folder = join(flags.runs, "prior-imbalance", `seed${seed}`);
  const model = await pretrainedNetwork(sweep, "small-cifar10-lt", seed);
  if (!flags.table && !Object.keys(levels).every((level) => existsSync(outlierFile(folder, level))))
    await drawOutliers(model, seed, folder);
  for (const [level, into] of found) {
    const results = await runExperiment(
      experiment(level, seed, model, outlierFile(folder, level)),
      flags.table ? undefined : folder,
      threads,
    );
    const [energy, balanced] = [results.get("energy")?.[0], results.get("balanced-energy")?.[0]];
    if (energy === undefined || balanced === undefined) continue;
    const prior = JSON.parse(await readFile(priorFile(level, seed), "utf8")) as ReturnType<typeof describePrior>;
    into.energy.push(energy);
    into.balanced.push(balanced);
    into.evenness.push(prior.effectiveClasses);
    into.largest.push(100 * Math.max(...prior.prior));
  }
}

type Measure = (run: RunNumbers) => number;
const gainsOf = ({ energy, balanced }: { energy: RunNumbers[]; balanced: RunNumbers[] }, of: Measure) =>
  balanced.map((run, index) => of(run) - of(energy[index] as RunNumbers));
const rows = [...found].map(([level, at]) => [
  ...[level, String(at.energy.length), at.evenness.length === 0 ? "" : meanOver(at.evenness).toFixed(1)],
  at.largest.length === 0 ? "" : meanOver(at.largest).toFixed(1),
  spread(at.energy.map(measures["AUROC ↑"])),
  ...Object.values(measures).map((of) => spread(gainsOf(at, of), { sign: true })),
]);
const verdicts = [...found].map(([level, at]) => [
  level,
  ...Object.entries(measures).map(([name, of]) => verdict(gainsOf(at, of), { lowerIsBetter: name.endsWith("↓") })),
]);
/** In which measures the mean gain grows from each level to the next more uneven one. */
const steps = Object.keys(levels);
const growth = steps.slice(1).map((level, index) => {
  const [before, after] = [found.get(steps[index] as string), found.get(level)] as const;
  const grown = Object.entries(measures).flatMap(([name, of]) => {
    const sign = name.endsWith("↓") ? -1 : 1;
    const [less, more] = [before, after].map((at) =>
      at === undefined ? Number.NaN : sign * meanOver(gainsOf(at, of)),
    );
    return (more as number) > (less as number) ? [name.replace(/ .$/, "")] : [];
  });
  return `From \`${steps[index]}\` to \`${level}\` the mean gain grows in ${grown.length} of ${Object.keys(measures).length} measures${grown.length === 0 ? "" : ` (${grown.join(", ")})`}.`;
});

await writeFileAtomic(
  "docs/results/prior-imbalance.md",
  `# Does the gain grow with the prior's imbalance?

Written by \`OFFMAP_DATA=DIR npx tsx bench/experiments/prior-imbalance.ts\`.

[classification.md](classification.md) compares data sets, which differ in more than their priors. Here nothing but the prior changes: the three networks that \`small/cifar10-lt\` has trained (one per
seed), and ${outlierNumber.toLocaleString("en-US")} of its 20,000 outliers, drawn by the class that the network takes them for: as many of each class as there are (\`even\`), in their own shares, and in shares that follow the square of
those (\`uneven\`). Fine-tuned for ${shared.steps} steps of 128 + 256 images as in that table, with EnergyOE and with the balanced loss (gamma 0.75 on every prior). Test and OOD sets as there. Percent and percent points: balanced energy
less EnergyOE of the same network and outliers, mean ± sample standard deviation over seeds.

${grid(["outliers", "seeds", "effective classes of 10", "largest share", "EnergyOE: AUROC", ...Object.keys(measures)], rows)}

By the 95 % interval of the mean over seeds (Student's t):

${grid(["outliers", ...Object.keys(measures)], verdicts)}

${growth.join(" ")} With an even prior there is nothing to balance. In the uneven sample
nearly no outlier is taken for a rare class, so that the balance has few to spare: a likely reason, not tested further.
`,
);
