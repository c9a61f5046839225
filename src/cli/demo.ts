/** `offmap demo`: the whole method on the images and the model inside the package. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compareLosses, type LossComparison } from "../benchmarks/index.js";
import { openDataset } from "../data/index.js";
import { writeFileAtomic } from "../files.js";
import type { LossName } from "../losses/index.js";
import { type Report, renderCsv, renderMarkdownTable, renderPriorChart, writeReport } from "../report/index.js";
import { comparisonReport } from "../report/loss-comparison.js";
import type { EngineOptions } from "../runtime/index.js";
import { measurePrior, type Prior, readLog, type TuneOptions } from "../training/index.js";
import { version } from "../version.js";
import { openClassifier, withEngine } from "./classifier-run.js";
import type { CommandIo } from "./command-io.js";
import { makeOutputFolder } from "./output-folder.js";
import { priorDocument } from "./prior-document.js";

const assets = fileURLToPath(new URL("../../assets/demo/", import.meta.url));
const sheet = (name: string) => `sheet:${join(assets, `${name}.json`)}`;

const comparedLosses: readonly LossName[] = ["oe", "energy", "balanced-energy"];

/**
 * OOD test sets, and their classes that are left out because the outliers or CIFAR-10 have them too, or near kin of them. `cifar100`
 * is near to what the model knows, the others are far.
 */
const oodSets: Readonly<Record<string, readonly string[]>> = {
  "tiny-imagenet": [],
  textures: [],
  chars74k: [],
  scenes: ["coast", "mountain"],
  cifar100: [
    ...["bee", "beetle", "bottle", "bridge", "butterfly", "cattle", "chair", "chimpanzee", "clock", "cockroach"],
    ...["crocodile", "lamp", "lawn_mower", "lion", "lobster", "mountain", "orange", "pickup_truck", "plate", "rocket"],
    ...["sea", "snail", "snake", "spider", "streetcar", "sweet_pepper", "table", "telephone", "train"],
  ],
};

const without = (spec: string, classes: readonly string[]) =>
  classes.length === 0 ? spec : `${spec}?exclude=${classes.join(",")}`;

/** Small enough for three runs in three minutes on two cores: the last block is trained, on features computed once. */
const settings = {
  normalization: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  train: "layer3.2.*,linear.*",
  batchNorm: "frozen",
  epochs: 3,
  augment: [],
  learningRate: 0.001,
} satisfies Partial<TuneOptions>;

export interface DemoOptions {
  readonly out: string;
  readonly seed: number;
  readonly engine: EngineOptions;
}

export interface DemoResult {
  readonly comparison: LossComparison;
  readonly prior: Prior;
  readonly report: Report;
  readonly reportPath: string;
}

export async function runDemo({ out, seed, engine }: DemoOptions, io: CommandIo): Promise<DemoResult> {
  const { progress, signal, warn } = io;
  await makeOutputFolder(out);
  const model = join(assets, "resnet20-cifar10.onnx");
  const id = sheet("cifar10-train");
  const outliers = sheet("outliers");
  const { classNames = [] } = await openDataset(id);

  const { classifier, normalization } = await openClassifier(model, settings.normalization);
  const prior = await withEngine(engine, (runner) =>
    measurePrior(runner, classifier, outliers, { normalization, classNames, progress, signal }),
  );
  const priorPath = join(out, "prior.json");
  await writeFileAtomic(priorPath, `${JSON.stringify(priorDocument(prior), null, 2)}\n`);
  await writeFileAtomic(
    join(out, "prior.svg"),
    renderPriorChart({ classNames, share: prior.prior, outliers: prior.outliers }),
  );

  const comparison = await compareLosses(
    {
      tune: { ...settings, model, id, outliers, out, seed, prior: priorPath, engine },
      losses: comparedLosses,
      test: sheet("cifar10-test"),
      ood: Object.fromEntries(Object.entries(oodSets).map(([name, left]) => [name, without(sheet(name), left)])),
      preset: "official",
      scores: ["msp", "energy"],
    },
    { progress, signal, warn },
  );
  const logs = await Promise.all(comparedLosses.map(async (loss) => [loss, await readLog(join(out, loss))] as const));
  const report = await comparisonReport({
    title: "Offmap demo: a CIFAR-10 classifier and what it has not seen",
    comparison,
    classNames,
    prior,
    logs: Object.fromEntries(logs),
    outliers: `${prior.outliers} Tiny-ImageNet images`,
    facts: [
      ["Offmap", version],
      ["Node", process.version],
      ["seed", String(seed)],
      [
        "settings",
        `train ${settings.train}, BatchNorm ${settings.batchNorm}, no augmentation, ${settings.epochs} epochs, learning rate ${settings.learningRate}`,
      ],
    ],
    notes: [
      "A small excerpt of the data keeps the demo short, and its settings were picked for speed while looking at these very sets: the figures show the way and prove nothing. docs/results/ has experiments that do.",
      "Classes that CIFAR-10 or the outliers have too are left out of the OOD sets.",
    ],
  });
  const rows = report.models.flatMap((each) => each.rows);
  const reportPath = join(out, "report.html");
  await writeFileAtomic(join(out, "table.md"), renderMarkdownTable(rows, { baseline: report.baseline }));
  await writeFileAtomic(join(out, "table.csv"), renderCsv(rows));
  await writeReport(report, reportPath);
  return { comparison, prior, report, reportPath };
}
