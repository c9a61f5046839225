/**
 * Every post-hoc score on one model: how well it detects, what its fit costs, how much it slows the model down, and how much it adds
 * to the file. Writes docs/results/scores.md and scores.json.
 *
 *   OFFMAP_DATA=DIR OFFMAP_MODELS=DIR npx tsx bench/experiments/scores.ts [--threads 2]
 *
 * DIR holds the unpacked CIFAR binaries; the models' folder holds `resnet20-cifar10.onnx`.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { evaluate } from "../../src/benchmarks/index.js";
import { type ImageDataset, openDataset, parseNormalization } from "../../src/data/index.js";
import { writeFileAtomic } from "../../src/files.js";
import { combineScores, fitScores, type ScorePart, scoreDataset } from "../../src/guard/index.js";
import { takesImage } from "../../src/guard/score-part.js";
import { encodeModel, readModel } from "../../src/onnx/index.js";
import { createEngine, type Engine } from "../../src/runtime/index.js";
import { type ScoreDefinition, type ScoreName, scores } from "../../src/scores/index.js";
import { asClassifier } from "../../src/training/index.js";
import { cifarNormalization, dataFolder, oodSets } from "./protocol.js";

const { values: flags } = parseArgs({ options: { threads: { type: "string", default: "2" } } });
const path = join(process.env.OFFMAP_MODELS ?? "", "resnet20-cifar10.onnx");
const normalization = parseNormalization(cifarNormalization);
const data = (name: string, options = "") => openDataset(`cifar:${join(dataFolder(), `${name}.bin`)}${options}`);
const classifier = asClassifier(await readModel(path), path);
const engine: Engine = await createEngine({ threads: Number(flags.threads) });

const repeats = 3;
/** Seconds of one pass over images without scores and with some, in turn, so that neither has the quieter machine; the shortest of each. */
async function pass(dataset: ImageDataset, parts: readonly ScorePart[]): Promise<{ alone: number; scored: number }> {
  const best = { alone: Number.POSITIVE_INFINITY, scored: Number.POSITIVE_INFINITY };
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const side of ["alone", "scored"] as const) {
      const started = performance.now();
      await scoreDataset(engine, classifier, dataset, side === "alone" ? [] : parts, { normalization });
      best[side] = Math.min(best[side], (performance.now() - started) / 1000);
    }
  }
  return best;
}

const training = await data("cifar10-train");
const id = await data("cifar10-test");
const ood = await Promise.all(
  oodSets.map((name) => openDataset(`cifar:${join(dataFolder(), `${name}.bin`)}`, { ignoreLabels: true, name })),
);
/** All but those of networks with a head of their own. */
const names = (Object.keys(scores) as ScoreName[]).filter((name) => !("output" in scores[name]));

const started = performance.now();
const parts = await fitScores(engine, classifier, training, names, { normalization });
const fitSeconds = (performance.now() - started) / 1000;
/** Seconds of a fit of one score alone, the pass over the training images included; null where there is nothing to fit. */
async function fitTime(name: ScoreName): Promise<number | null> {
  const definition: ScoreDefinition = scores[name];
  if (definition.fit === undefined) return null;
  const before = performance.now();
  await fitScores(engine, classifier, training, [name], { normalization });
  return (performance.now() - before) / 1000;
}

/** Outputs of the stem and of the three stages of ResNet-20, whose 19 ReLUs follow one another in the graph. */
const layers = [0, 6, 12, 18].map((place) => {
  const relus = classifier.upgraded.graph.nodes.filter(({ op }) => op === "Relu");
  return relus[place]?.outputs[0] as string;
});
/** Images of each kind that tell the layers' weights. */
const weighed = 10_000;
/** The feature ensemble of Lee et al., NeurIPS 2018: its weights are of training images against outliers that are no test set. */
async function featureEnsemble(): Promise<ScorePart> {
  const distances: ScorePart[] = [];
  for (const layer of layers) {
    distances.push(...(await fitScores(engine, classifier, training, ["mahalanobis"], { normalization, layer })));
  }
  const known = await data("cifar10-train", `?limit=${weighed}`);
  const outliers = await data("tiny-imagenet-outliers", `?limit=${weighed}`);
  return combineScores(engine, classifier, distances, known, [outliers], { normalization });
}
const beforeEnsemble = performance.now();
const ensemble = await featureEnsemble();
const ensembleSeconds = (performance.now() - beforeEnsemble) / 1000;

const all = [...parts, ensemble];
const evaluation = await evaluate(engine, classifier, id, ood, {
  scores: all.map(({ score }) => score),
  ...{ fitted: all, preset: "official", normalization, resamples: 0 },
});
const subset = await data("cifar10-test", "?limit=4000");
/** Scores of the image need gradients through the network: they are no part of the one pass whose cost is told. */
const cheap = parts.filter(({ score }) => !takesImage(score as ScoreName));
const together = await pass(subset, cheap);
const rows = [];
for (const part of all) {
  const seconds = await pass(subset, [part]);
  const ratio = seconds.scored / seconds.alone;
  const average = evaluation.average.find(({ score }) => score === part.score);
  const sets = evaluation.rows.filter(({ score }) => score === part.score);
  rows.push({
    score: part.score,
    options: part.options,
    average,
    sets,
    seconds,
    bytes: encodeModel(part.model).length,
    fit: part === ensemble ? ensembleSeconds : await fitTime(part.score as ScoreName),
  });
  console.log(part.score, average?.auroc.toFixed(4), ratio.toFixed(2));
}
await engine.close();
rows.sort((a, b) => (b.average?.auroc ?? 0) - (a.average?.auroc ?? 0));
const percent = (value: number | undefined) => (100 * (value ?? Number.NaN)).toFixed(2);
const size = (bytes: number) => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
const options = (given: Readonly<Record<string, number>>) =>
  Object.entries(given)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`)
    .join(", ");
const title = (score: string) => (score === ensemble.score ? "*mahalanobis of four layers*" : score);
const table = rows.map(({ score, options: own, average, seconds, bytes, fit }) => {
  const quality = [average?.auroc, average?.aupr, average?.fpr95].map(percent);
  const speed = [(subset.length / seconds.scored).toFixed(0), (seconds.scored / seconds.alone).toFixed(2)];
  return `| ${[title(score), options(own), ...quality, fit?.toFixed(0) ?? "", ...speed, size(bytes)].join(" | ")} |`;
});
const bySet = rows.map(
  ({ score, sets }) =>
    `| ${[title(score), ...sets.map(({ auroc, fpr95 }) => `${percent(auroc)} / ${percent(fpr95)}`)].join(" | ")} |`,
);
const accuracy = percent(evaluation.id.accuracy);
await writeFileAtomic(
  "docs/results/scores.json",
  `${JSON.stringify({ fitSeconds, together, accuracy, rows }, null, 1)}\n`,
);
await writeFileAtomic(
  "docs/results/scores.md",
  `# Post-hoc scores on a public ResNet-20

Written by \`OFFMAP_DATA=DIR OFFMAP_MODELS=DIR npx tsx bench/experiments/scores.ts\`: ${cpus().length} x ${cpus()[0]?.model ?? "processor"}, Node ${process.version}, ${flags.threads} threads.

- Model: the public CIFAR-10 ResNet-20 of ${accuracy} % accuracy, untouched. Options are the defaults; none was chosen on these sets. Scores with a fit were fitted to the ${training.length} training images.
- OOD test sets: CIFAR-100 test (near), 40 Tiny-ImageNet classes, 10 DTD classes, Chars74K, 15-Scene. They are no benchmark of a paper, and no number here is comparable with a cell of one. One model, one seed.
- OOD is the positive class; AP is average precision, FPR95 at the recall nearest to 95 % (preset \`official\`). Percent, means over the five sets.
- *mahalanobis of four layers* is the feature ensemble of Lee et al. 2018 (\`offmap combine\` of the distances of the stem and the three stages). It alone has seen outliers: its weights are a logistic regression of the first ${weighed} training images, which the distances were fitted to as well, against ${weighed} auxiliary outliers (\`tiny-imagenet-outliers\`, of other classes than the test set of that name). Lee et al. take the weights from each OOD test set, which tells them what they will be asked.
- **time**: one pass over ${subset.length} test images with this score on top, over that of passes without in between (${(subset.length / Math.min(...rows.map(({ seconds }) => seconds.alone))).toFixed(0)} images/s); shortest of ${repeats} of either. **file**: what the score adds to the model's file.
- **fit**: of this score alone, the pass over the training images included.
- One pass over the training images fits them all: ${fitSeconds.toFixed(0)} s with those that need none. One pass with all ${cheap.length} scores that need no gradients on top takes ${(together.scored / together.alone).toFixed(2)} times the time of the model alone.
- Which score to use when: [shipping.md](../shipping.md#which-score).

| score | options | AUROC ↑ | AP ↑ | FPR95 ↓ | fit, s | images/s | time | file |
|---|---|--:|--:|--:|--:|--:|--:|--:|
${table.join("\n")}

AUROC / FPR95 on each set:

| score | ${oodSets.join(" | ")} |
|---|${oodSets.map(() => "--:|").join("")}
${bySet.join("\n")}
`,
);
