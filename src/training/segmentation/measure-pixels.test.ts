import { afterAll, expect, test } from "vitest";
import { memoryObjects, memoryScenes } from "../../../test/data/segmentation.js";
import { tinyNetwork } from "../../../test/segmentation/tiny-network.js";
import { createGenerator, outlierLabel, sceneSampler } from "../../data/index.js";
import { LocalEngine } from "../../runtime/index.js";
import { measurePixelPrior, measurePixels } from "./measure-pixels.js";
import { ScenePredictor } from "./scene-predictor.js";
import { asSegmenter } from "./segmenter.js";

const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

const scenes = { scenes: memoryScenes(5, 12, 16), batchSize: 2, crop: { height: 12, width: 16 }, scales: [1, 1.5] };
const shape = [3, 12, 16] as const;
const predictor = (weights: Record<string, Float32Array> = {}) => {
  const model = tinyNetwork({ outputs: 5, weights });
  return new ScenePredictor(engine, asSegmenter(model, shape, { classes: 4, abstention: 1 }, 1), undefined);
};

test("counts every outlier pixel of the scenes once, and inlier pixels not at all", async () => {
  const outliers = memoryObjects(3);
  const { counts, inlierRows, outlierRows } = await measurePixels(
    predictor(),
    4,
    { ...scenes, outliers },
    { count: 7, seed: 3 },
  );
  const sampler = sceneSampler({
    ...scenes,
    outliers,
    outlierShare: 1,
    generator: createGenerator(3).fork("measured scenes"),
  });
  const labels = [];
  for (const [epoch, step] of [
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 0],
  ] as const)
    labels.push(...(await sampler.batch(epoch, step)).labels);
  const outlierPixels = labels.slice(0, 7 * 192).filter((label) => label === outlierLabel).length;
  expect(outlierPixels).toBeGreaterThan(0);
  expect(counts.reduce((a, b) => a + b)).toBe(outlierPixels);
  // So few pixels are all kept.
  expect(outlierRows.length).toBe(4 * outlierPixels);
  expect(inlierRows.length).toBe(4 * labels.slice(0, 7 * 192).filter((label) => label < outlierLabel).length);
});

test("the prior is that of the classes: an output to abstain with never wins", async () => {
  const weights = { "head.weight": new Float32Array(30), "head.bias": Float32Array.of(0, 2, 1, 0, 9) };
  const outliers = memoryObjects(3);
  const prior = await measurePixelPrior(predictor(weights), 4, { ...scenes, outliers }, { count: 4, seed: 1 });
  expect(prior.prior).toEqual([0, 1, 0, 0]);
  expect(prior.classNames).toEqual(["a", "b", "c", "d"]);
});

test("says so when there is no outlier pixel to measure a prior on", async () => {
  await expect(measurePixelPrior(predictor(), 4, scenes, { count: 2, seed: 1 })).rejects.toThrow(
    "expected outlier pixels in the synthesised scenes, to measure a prior on, got none",
  );
});
