// Steps against PyTorch in float64; numbers by test/reference/pixel-step.py.
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { runPixelSteps, type SceneBatch } from "../../../test/segmentation/pixel-steps.js";
import { tinyNetwork } from "../../../test/segmentation/tiny-network.js";
import { voidLabel } from "../../data/index.js";
import { type PixelLossDefinition, type PixelLossName, pixelLosses } from "../../losses/pixels/index.js";
import type { Tensor } from "../../onnx/types.js";
import { LocalEngine } from "../../runtime/index.js";
import type { OptimizerName } from "../optimizers/index.js";
import type { BatchNormMode } from "../step-options.js";
import { addOutlierHead } from "./outlier-head.js";
import { selectPixelParameters } from "./pixel-plan.js";

interface Reference {
  classes: number;
  dims: [number, number, number];
  prior: number[];
  batches: { images: string; labels: string }[];
  nets: Record<string, { options: object; weights: Record<string, string> }>;
  cases: {
    loss: PixelLossName;
    optimizer: OptimizerName;
    bn: BatchNormMode;
    losses: number[];
    weights: Record<string, string>;
  }[];
}
const file = new URL("../../../test/reference/pixel-step.json", import.meta.url);
const reference = JSON.parse(readFileSync(file, "utf8")) as Reference;
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
const floats = (text: string) => new Float32Array(bytes(text).buffer);
const decoded = (weights: Record<string, string>) =>
  Object.fromEntries(Object.entries(weights).map(([name, text]) => [name, floats(text)]));
const { classes, prior } = reference;
const [batch, height, width] = reference.dims;
const shape = [3, height, width] as const;

const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

const rates = { adam: 1e-3, adamw: 1e-3, amsgrad: 1e-3, sgd: 1e-2, "sgd-plain": 1e-2 };

interface Setting {
  readonly loss: PixelLossName;
  readonly lossOptions?: object;
  readonly optimizer?: OptimizerName;
  readonly bn?: BatchNormMode;
  readonly weights?: Record<string, Float32Array>;
}

async function steps(setting: Setting, batches: readonly SceneBatch[]) {
  const { loss: name, lossOptions, optimizer = "adam", bn = "batch", weights } = setting;
  const loss = pixelLosses[name] as PixelLossDefinition<object>;
  const plain = tinyNetwork({ outputs: classes + (loss.abstentionClasses ?? 0), ...(weights && { weights }) });
  const block = selectPixelParameters(plain.graph, "head");
  const model = loss.outlierHead ? addOutlierHead(plain, block, shape, 1) : plain;
  return runPixelSteps(engine, model, batches, {
    ...{ shape, batch, loss, lossOptions, prior, optimizer },
    ...{ train: "all", batchNorm: bn, trunkStatistics: "frozen" },
    learningRate: rates[optimizer],
    weightDecay: optimizer === "sgd" ? 5e-4 : 0,
  });
}

const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, value) => sum + value ** 2, 0));
const storedBatches = reference.batches.map(({ images, labels }) => ({
  images: floats(images),
  labels: bytes(labels),
}));

describe("three steps reach PyTorch's weights", () => {
  test.each(reference.cases.map((c) => [`${c.loss}, ${c.optimizer}, ${c.bn}`, c] as const))("%s", async (_, c) => {
    const { loss, optimizer, bn } = c;
    const { options, weights } = reference.nets[loss] as Reference["nets"][string];
    const setting = { loss, lossOptions: options, optimizer, bn, weights: decoded(weights) };
    const { readings, trained, start } = await steps(setting, storedBatches);
    readings.forEach((reading, step) => {
      expect(Math.abs(reading.loss / (c.losses[step] as number) - 1)).toBeLessThan(1e-5);
    });
    let [difference, movement] = [0, 0];
    for (const [name, text] of Object.entries(c.weights)) {
      const expected = floats(text);
      const before = start.get(name)?.data as Float32Array;
      const after = (trained[name]?.data ?? before) as Float32Array;
      const gap = norm(expected.map((value, place) => value - (after[place] as number)));
      expect(gap, name).toBeLessThanOrEqual(1e-5 * norm(expected) + 1e-7);
      difference += gap ** 2;
      movement += norm(expected.map((value, place) => value - (before[place] as number))) ** 2;
    }
    expect(movement).toBeGreaterThan(0);
    // What training did, not what was there before.
    expect(Math.sqrt(difference / movement)).toBeLessThan(2e-4);
  });

  test("energies are empty in the log where a batch has no such pixel", async () => {
    const { readings } = await steps({ loss: "balanced-energy" }, storedBatches);
    expect(readings.map(({ outEnergy }) => Number.isNaN(outEnergy))).toEqual([false, true, false]);
    expect(readings.every(({ inEnergy, crossEntropy }) => Number.isFinite(inEnergy + crossEntropy))).toBe(true);
  });
});

describe("a batch without a pixel to learn from", () => {
  const first = storedBatches[0] as (typeof storedBatches)[number];
  const names = Object.keys(pixelLosses) as PixelLossName[];
  // The number of classes is lower here than that of Cityscapes, on which the payoff's default rests.
  const options = (loss: PixelLossName) => (loss === "deep-gambler" ? { payoff: 2 } : {});
  const finite = (trained: Readonly<Record<string, Tensor>>) =>
    Object.values(trained).every(({ data }) => Array.from(data as Float32Array).every(Number.isFinite));

  test.each(names)("%s: all void leaves no NaN in loss or weights", async (loss) => {
    const labels = first.labels.map(() => voidLabel);
    const { readings, trained } = await steps({ loss, lossOptions: options(loss) }, [{ ...first, labels }, first]);
    expect(readings.every((reading) => Number.isFinite(reading.loss))).toBe(true);
    expect(finite(trained)).toBe(true);
  });

  test.each(names)("%s: no outlier pixel leaves no NaN in loss or weights", async (loss) => {
    const labels = first.labels.map((label) => (label < classes ? label : 0));
    const { readings, trained } = await steps({ loss, lossOptions: options(loss) }, [{ ...first, labels }]);
    expect(readings.every((reading) => Number.isFinite(reading.loss))).toBe(true);
    expect(finite(trained)).toBe(true);
  });
});
