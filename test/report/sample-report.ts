/** Made-up reports of any size, the same for the same options: for tests, and to look at. */
import type { DetectionRow, Mistake, ModelResult, Report, ReportPrior, TrainingPoint } from "../../src/report/types.js";

export interface SampleOptions {
  readonly models?: readonly string[];
  readonly sets?: readonly string[];
  readonly scores?: readonly string[];
  readonly classes?: number;
  readonly intervals?: boolean;
  readonly trained?: boolean;
}

/** A small linear congruential generator: these numbers only have to look like results. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const gaussian = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

export function sampleReport(options: SampleOptions = {}): Report {
  const {
    models = ["untouched", "outlier exposure", "energy", "balanced-energy"],
    sets = ["textures", "scenes", "CIFAR-100", "characters"],
    scores = ["energy"],
    classes = 10,
    intervals = false,
    trained = true,
  } = options;
  const random = generator(7);
  return {
    title: "A CIFAR-10 classifier, fine-tuned to tell what it has not seen",
    summary: [
      "A ResNet-20 that names ten kinds of things was fine-tuned for 300 steps with 5,000 unrelated images, once with each of three losses.",
      "Balanced energy lowers the average false positive rate from 61.2 % to 33.9 % while accuracy falls by 0.31 points.",
    ],
    protocol:
      "Preset official: OOD is the positive class, FPR at the threshold nearest to 95 % recall. 2,000 in-distribution test images, 1,000 images of each OOD set.",
    models: models.map((name, index) => sampleModel(name, index, { sets, scores, intervals, trained }, random)),
    baseline: models[0] ?? "untouched",
    ...(classes > 0 ? { prior: samplePrior(classes, random) } : {}),
    facts: [
      ["Model", "resnet20-cifar10.onnx, 272,474 parameters, sha256 4c1f…e09a"],
      ["Trained", "all parameters, BatchNorm with batch statistics"],
      ["Loss", "alpha 10, gamma 0.75, mIn −14.2 (automatic), mOut −4.9 (automatic), weight 0.1"],
      ["Batches", "128 in-distribution and 256 outlier images, seed 1"],
      ["Versions", "offmap 0.1.0, ONNX Runtime 1.30.0, Node 20.20.2"],
    ],
    notes: [
      "Outliers share no class and no source image with the OOD test sets.",
      "CIFAR-100 is near-OOD: its classes resemble those of CIFAR-10, and outliers that do not resemble them help little.",
    ],
  };
}

function sampleModel(
  name: string,
  index: number,
  { sets, scores, intervals, trained }: Required<Omit<SampleOptions, "models" | "classes">>,
  random: () => number,
): ModelResult {
  const rows: DetectionRow[] = [];
  const curves: ModelResult["curves"][number][] = [];
  for (const score of scores) {
    sets.forEach((ood, set) => {
      const separation = 1.1 + 0.25 * (set % 5) + (set === 2 ? -0.45 * Math.min(index, 1) : 0.42 * index);
      const id = Array.from({ length: 900 }, () => -9 + 1.6 * gaussian(random) - index * 0.6);
      const out = Array.from({ length: 600 }, () => -9 + 1.6 * (separation + gaussian(random)) - index * 0.6);
      const { roc, auroc, fpr95 } = rocOf(id, out);
      const interval = (value: number) =>
        intervals ? { interval: [value - 0.011, Math.min(1, value + 0.01)] as const } : {};
      const aupr = Math.max(0, auroc - 0.02 - 0.03 * random());
      rows.push({
        model: name,
        score,
        ood,
        auroc: { value: auroc, ...interval(auroc) },
        aupr: { value: aupr, ...interval(aupr) },
        fpr95: { value: fpr95, ...interval(fpr95) },
      });
      curves.push({ ood, score, roc, histogram: histogramOf(id, out) });
    });
  }
  return {
    name,
    accuracy: 0.9173 - 0.0017 * index,
    ...(index % 2 === 0
      ? { accuracyGroups: { many: 0.95, medium: 0.91 - 0.003 * index, few: 0.84 + 0.004 * index } }
      : {}),
    rows,
    curves,
    ...(trained && index > 0 ? { training: sampleTraining(random) } : {}),
    mistakes: Array.from({ length: 12 }, (_, number) =>
      sampleMistake(number, sets[number % sets.length] ?? "", random),
    ),
  };
}

function rocOf(id: readonly number[], out: readonly number[]) {
  const all = [...id.map((score) => ({ score, positive: 0 })), ...out.map((score) => ({ score, positive: 1 }))];
  all.sort((a, b) => b.score - a.score);
  const roc: (readonly [number, number])[] = [[0, 0]];
  let [fp, tp, auroc, fpr95] = [0, 0, 0, 1];
  for (const { positive } of all) {
    if (positive === 1) tp++;
    else {
      fp++;
      auroc += tp / out.length / id.length;
    }
    if (fpr95 === 1 && tp / out.length >= 0.95) fpr95 = fp / id.length;
    roc.push([fp / id.length, tp / out.length]);
  }
  return { roc, auroc, fpr95 };
}

function histogramOf(id: readonly number[], out: readonly number[]) {
  const low = Math.min(...id, ...out);
  const width = (Math.max(...id, ...out) - low) / 40;
  const count = (scores: readonly number[]) => {
    const bins = new Array<number>(40).fill(0);
    for (const score of scores) {
      const bin = Math.min(39, Math.floor((score - low) / width));
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
    return bins;
  };
  return { edges: Array.from({ length: 41 }, (_, edge) => low + edge * width), id: count(id), ood: count(out) };
}

function sampleTraining(random: () => number): TrainingPoint[] {
  return Array.from({ length: 300 }, (_, step) => {
    const left = Math.exp(-step / 60);
    const crossEntropy = 0.12 + 0.1 * left + 0.05 * random();
    const regularization = 1.5 + 22 * left + 2 * random();
    return {
      step: step + 1,
      loss: crossEntropy + 0.1 * regularization,
      crossEntropy,
      regularization,
      inEnergy: -11 - 3 * (1 - left) + 0.4 * random(),
      outEnergy: -8 + 2.5 * (1 - left) + 0.4 * random(),
      learningRate: 0.0005 * (1 + Math.cos((Math.PI * (step + 1)) / 300)),
    };
  });
}

const classNames = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

function samplePrior(classes: number, random: () => number): ReportPrior {
  const weights = Array.from({ length: classes }, () => Math.exp(1.3 * gaussian(random)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    classNames: weights.map((_, index) => (classes <= 10 ? (classNames[index] ?? "") : `class number ${index}`)),
    share: weights.map((weight) => weight / total),
    outliers: 5000,
  };
}

function sampleMistake(number: number, set: string, random: () => number): Mistake {
  const data = new Uint8Array(3 * 32 * 32);
  const tint = [random(), random(), random()];
  for (let channel = 0; channel < 3; channel++) {
    for (let pixel = 0; pixel < 1024; pixel++) {
      const wave = Math.sin(((pixel % 32) * (number + 2)) / 14) * Math.cos((pixel / 32 + number) / 6);
      data[pixel * 3 + channel] = Math.max(0, Math.min(255, 128 + 100 * wave * (tint[channel] ?? 0) + 20 * random()));
    }
  }
  return {
    image: { data, width: 32, height: 32, channels: 3 },
    set,
    predicted: classNames[(number * 3) % 10] ?? "",
    confidence: 0.9999 - 0.004 * number,
  };
}
