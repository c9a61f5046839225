// Ten steps of the small DeepLabV3+ against PyTorch in float64; numbers by test/reference/deeplab-step.py.
import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { abstainingDeepLab, spread, told } from "../../../test/reference/nn-models.js";
import { runPixelSteps, type SceneBatch } from "../../../test/segmentation/pixel-steps.js";
import { outlierLabel, voidLabel } from "../../data/index.js";
import { type PixelLossDefinition, pixelLosses } from "../../losses/pixels/index.js";
import { LocalEngine } from "../../runtime/index.js";
import type { BatchNormMode } from "../step-options.js";
import type { TrunkStatistics } from "./pixel-plan.js";

type LossName = "pebal" | "balanced-pebal";
interface Reference {
  prior: number[];
  size: [scenes: number, height: number, width: number];
  rate: number;
  options: Record<LossName, object>;
  cases: {
    loss: LossName;
    train: string;
    bn: BatchNormMode;
    trunk: TrunkStatistics;
    losses: number[];
    /** How far the update of PyTorch in float32 is from that in float64, in lengths of the update. */
    rounding: number;
    /** What training changes, every `step`th number. */
    changed: Record<string, { step: number; values: number[] }>;
  }[];
}
const file = new URL("../../../test/reference/deeplab-step.json", import.meta.url);
const { prior, size, rate, options, cases } = JSON.parse(readFileSync(file, "utf8")) as Reference;
const [scenes, height, width] = size;
const pixels = height * width;

const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

/** As in the script: the first scene never has outliers, the fourth batch has none, and the last scene of the sixth is void. */
function batchOf(step: number): SceneBatch {
  const count = scenes * 3 * pixels;
  const images = Float32Array.from({ length: count }, (_, index) => 2 * spread(step * count + index, 2003));
  const labels = Uint8Array.from({ length: scenes * pixels }, (_, index) => {
    const [n, y, x] = [Math.floor(index / pixels), Math.floor(index / width) % height, index % width];
    if ((n === 2 && step === 5) || (x + 2 * y + step) % 13 === 0) return voidLabel;
    if (n > 0 && step !== 3 && (3 * x + 5 * y + 17 * n + 11 * step) % 23 < 4) return outlierLabel;
    return (Math.floor(x / 8) + Math.floor(y / 6) + n + step) % prior.length;
  });
  return { images, labels };
}

test.each(cases.map((c) => [`${c.loss}, ${c.train}, BatchNorm ${c.bn}, trunk ${c.trunk}`, c] as const))(
  "%s: ten steps reach PyTorch's weights",
  async (_, c) => {
    const loss = pixelLosses[c.loss] as PixelLossDefinition<object>;
    const batches = c.losses.map((_value, step) => batchOf(step));
    const { readings, trained, start } = await runPixelSteps(engine, told(abstainingDeepLab()), batches, {
      ...{ shape: [3, height, width], batch: scenes, loss, lossOptions: options[c.loss], prior },
      ...{ train: c.train, batchNorm: c.bn, trunkStatistics: c.trunk, optimizer: "adam", learningRate: rate },
    });
    readings.forEach((reading, step) => {
      expect(Math.abs(reading.loss / (c.losses[step] as number) - 1), `loss of step ${step + 1}`).toBeLessThan(1e-5);
    });
    expect(Object.keys(trained).sort()).toEqual(Object.keys(c.changed).sort());
    let [difference, movement] = [0, 0];
    for (const [name, { step, values }] of Object.entries(c.changed)) {
      const before = start.get(name)?.data as Float32Array;
      const after = trained[name]?.data as Float32Array;
      values.forEach((value, place) => {
        difference += (value - (after[place * step] as number)) ** 2;
        movement += (value - (before[place * step] as number)) ** 2;
      });
    }
    expect(movement).toBeGreaterThan(0);
    // Float32 rounds the weights that are subtracted, hence not 0 beside PyTorch's own distance.
    expect(Math.sqrt(difference / movement)).toBeLessThan(4 * c.rounding + 2e-5);
  },
);
