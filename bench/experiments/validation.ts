/**
 * How the default weight of the energy losses was chosen: on validation data only. The model is the ResNet-20 trained on
 * long-tailed CIFAR-10, whose training set leaves most CIFAR-10 training images unseen: 5,000 of those measure accuracy. The
 * last 32 of the 132 outlier classes are kept out of tuning and play the OOD set. Only the last stage and the classifier are
 * trained, which is enough to rank settings. No test set is touched. Writes docs/results/validation.md.
 *
 *   OFFMAP_DATA=DIR OFFMAP_MODELS=DIR npx tsx bench/experiments/validation.ts [--runs DIR]
 *
 * OFFMAP_DATA must hold `cifar10-lt-train.bin` and `cifar10-lt-unseen.bin`, which cifar10.ts writes.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { evaluate } from "../../src/benchmarks/index.js";
import { openDataset, parseNormalization } from "../../src/data/index.js";
import { writeFileAtomic } from "../../src/files.js";
import { readModel } from "../../src/onnx/index.js";
import { createEngine } from "../../src/runtime/index.js";
import { asClassifier, tune } from "../../src/training/index.js";
import { cifarNormalization, dataFolder } from "./protocol.js";

const normalization = parseNormalization(cifarNormalization);
const model = join(process.env.OFFMAP_MODELS ?? "", "resnet20-cifar10-lt.onnx");
const keptOut = Array.from({ length: 32 }, (_, index) => 100 + index).join(",");
const outlierFile = `cifar:${join(dataFolder(), "tiny-imagenet-outliers.bin")}`;
const args = process.argv.slice(2);
const runs = args[0] === "--runs" ? (args[1] as string) : "runs";

const engine = await createEngine();
const unseen = await openDataset(`cifar:${join(dataFolder(), "cifar10-lt-unseen.bin")}?limit=5000&seed=1`);
const pseudo = await openDataset(`${outlierFile}?include=${keptOut}`, { name: "kept-out outlier classes" });
async function measure(path: string): Promise<string> {
  const options = { scores: ["energy"] as const, preset: "official" as const, normalization, resamples: 0 };
  const { id, rows } = await evaluate(engine, asClassifier(await readModel(path)), unseen, [pseudo], options);
  const percent = (value: number | undefined) => (100 * (value ?? Number.NaN)).toFixed(2);
  return [id.accuracy, rows[0]?.auroc, rows[0]?.aupr, rows[0]?.fpr95].map(percent).join(" | ");
}

const lines = [`| untouched | | | ${await measure(model)} |`];
const settings = [0.02, 0.05, 0.1].map((weight) => ({ weight, alpha: 5 }));
for (const { weight, alpha } of settings) {
  const out = join(runs, "validation", `weight-${weight}-alpha-${alpha}`);
  const tuned = join(out, "model.onnx");
  if (!existsSync(tuned)) {
    await tune({
      model,
      id: `cifar:${join(dataFolder(), "cifar10-lt-train.bin")}`,
      outliers: `${outlierFile}?exclude=${keptOut}`,
      train: "layer3.*,linear.*",
      augment: [],
      holdOut: 0,
      steps: 388,
      weight,
      alpha,
      normalization,
      out,
    });
  }
  lines.push(`| balanced-energy | ${weight} | ${alpha} | ${await measure(tuned)} |`);
  console.error(lines.at(-1));
}
await engine.close();
const head = "| | weight | alpha | accuracy | AUROC ↑ | AP ↑ | FPR95 ↓ |\n|---|---:|---:|---:|---:|---:|---:|";
await writeFileAtomic(
  "docs/results/validation.md",
  `# Choosing defaults on validation data\n\nWritten by \`OFFMAP_DATA=DIR OFFMAP_MODELS=DIR npx tsx bench/experiments/validation.ts\`.\n\n` +
    "- Model: ResNet-20 on long-tailed CIFAR-10. Accuracy on 5,000 CIFAR-10 training images that it never saw, most of them of its rare classes; OOD: the last 32 of the 132 outlier classes, kept out of tuning.\n" +
    "- Last stage and classifier trained, 388 steps, no augmentation, margins automatic, one seed. OOD is the positive class; preset `official`; percent.\n\n" +
    `${head}\n${lines.join("\n")}\n`,
);
