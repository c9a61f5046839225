// Whole training steps against PyTorch in float64: every tiny architecture of test/parity, every loss, both BatchNorm modes, all
// parameters and the head alone. Fixtures by test/parity/fixtures.py; the large version is test/parity/run.py.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { openDataset } from "../src/data/index.js";
import { type LossDefinition, type LossName, losses } from "../src/losses/index.js";
import { encodeModel, readModel } from "../src/onnx/index.js";
import { LocalEngine } from "../src/runtime/index.js";
import { BatchSource } from "../src/training/batch-source.js";
import { asClassifier, planTraining } from "../src/training/index.js";
import { learningRateAt } from "../src/training/schedule.js";
import { buildTrainingStep } from "../src/training/step.js";
import { Trainer } from "../src/training/trainer.js";

interface Case {
  train: "all" | "head";
  bn: "batch" | "frozen";
  loss: LossName;
  weight: number;
  lr: number;
  losses: number[];
  float32_error: { weights: number; update: number };
  offset: number;
}
interface ModelFixture {
  model: string;
  prior: number[];
  expected: string;
  tensors: { name: string; dims: number[]; offset: number }[];
  elements: number;
  cases: Case[];
}
interface Options {
  steps: number;
  batch: number;
  outlier_batch: number;
  momentum: number;
  weight_decay: number;
  m_in: number;
  m_out: number;
  alpha: number;
  gamma: number;
  normalize: [number[], number[]];
}

const folder = new URL("./fixtures/parity/", import.meta.url);
const at = (name: string) => fileURLToPath(new URL(name, folder));
const index = JSON.parse(readFileSync(at("index.json"), "utf8")) as {
  options: Options;
  known: string;
  outliers: string;
  models: Record<string, ModelFixture>;
};
const { options } = index;
const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

const [mean, std] = options.normalize;
const known = await openDataset(`cifar:${at(index.known)}`);
const outliers = await openDataset(`cifar:${at(index.outliers)}?labels=none`);

async function train(fixture: ModelFixture, c: Case) {
  const classifier = asClassifier(await readModel(at(fixture.model)));
  const plan = planTraining(classifier, known.shape, c.train);
  const { m_in: mIn, m_out: mOut, alpha, gamma } = options;
  const loss = losses[c.loss] as LossDefinition<object>;
  const step = {
    model: classifier.upgraded,
    logits: classifier.logits,
    partition: plan.partition,
    parameters: plan.parameters,
    loss,
    lossOptions: { ...loss.defaults, mIn, mOut, alpha, gamma, gammaWeight: gamma },
    weight: c.weight,
    prior: fixture.prior,
    batchNorm: c.bn,
    classCounts: new Array<number>(fixture.prior.length).fill(1),
    seed: 1,
    optimizer: "sgd",
    optimizerOptions: { momentum: options.momentum, weightDecay: options.weight_decay },
    rows: plan.rows,
  } as const;
  const trainer = new Trainer(engine, (sizes) => buildTrainingStep({ ...step, ...sizes }));
  await trainer.start({ batch: 1, outlierBatch: 1 });
  const prefix = plan.prefix === undefined ? undefined : await engine.load(encodeModel(plan.prefix));
  const readings: number[] = [];
  const source = new BatchSource({
    plan,
    id: known,
    trainIndices: Int32Array.from({ length: known.length }, (_, place) => place),
    outliers,
    batch: options.batch,
    outlierBatch: options.outlier_batch,
    shuffle: false,
    augmentation: undefined,
    normalization: { mean, std },
    seed: 1,
    prefix,
    stores: undefined,
  });
  const schedule = { schedule: "cosine", learningRate: c.lr, milestones: [], decay: 1, warmUp: 0 } as const;
  for (let at = 0; at < options.steps; at++) {
    const learningRate = learningRateAt(schedule, at + 1, options.steps);
    readings.push((await trainer.step(await source.batch(at), learningRate, at + 1)).loss);
  }
  const trained = await trainer.trained();
  await trainer.close();
  await prefix?.release();
  const start = classifier.model.graph.initializers;
  return { readings, trained, start };
}

const norm = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

describe.each(Object.entries(index.models))("%s", (_, fixture) => {
  const bytes = readFileSync(at(fixture.expected));
  const stored = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

  test.each(fixture.cases.map((c) => [`${c.train}, ${c.bn}, ${c.loss}`, c] as const))("%s", async (_, c) => {
    const { readings, trained, start } = await train(fixture, c);
    readings.forEach((loss, step) => {
      expect(Math.abs(loss / (c.losses[step] as number) - 1)).toBeLessThan(2e-5);
    });
    let [difference, movement] = [0, 0];
    for (const { name, dims, offset } of fixture.tensors) {
      const size = dims.reduce((a, b) => a * b, 1);
      const expected = stored.subarray(c.offset + offset, c.offset + offset + size);
      const before = start.get(name)?.data as Float32Array;
      const after = (trained[name]?.data ?? before) as Float32Array;
      const gap = norm(expected.map((value, place) => value - (after[place] as number)));
      // Weights within 1e-5 of PyTorch's, relative to each tensor's norm.
      expect(gap, name).toBeLessThanOrEqual(1e-5 * norm(expected) + 1e-7);
      if (name.includes("running_")) continue;
      difference += gap ** 2;
      movement += norm(expected.map((value, place) => value - (before[place] as number))) ** 2;
    }
    // What training did, not what was there before: a wrong gradient of one operator shows here.
    expect(Math.sqrt(difference / movement)).toBeLessThan(Math.max(1e-4, 10 * c.float32_error.update));
  });
});
