import { expect, test } from "vitest";
import { memoryObjects, memoryScenes } from "../../../test/data/segmentation.js";
import { tinyNetwork } from "../../../test/segmentation/tiny-network.js";
import { outlierLabel, voidLabel } from "../../data/index.js";
import { planPixels } from "./pixel-plan.js";
import { labelFeeds, SceneSource } from "./scene-source.js";
import { asSegmenter } from "./segmenter.js";

test("void pixels are in neither mask, and outlier pixels in theirs alone", () => {
  const images = { data: new Uint8Array(18), count: 1, shape: [3, 2, 3] as const };
  const labels = Uint8Array.of(0, 3, outlierLabel, voidLabel, 253, outlierLabel);
  const feeds = labelFeeds({ images, labels });
  const numbers = (name: string) => Array.from(feeds[name]?.data as Float32Array, Number);
  expect(numbers("offmap.inlier")).toEqual([1, 1, 0, 0, 1, 0]);
  expect(numbers("offmap.outlier")).toEqual([0, 0, 1, 0, 0, 1]);
  expect(numbers("offmap.labels")).toEqual([...labels]);
  expect(feeds["offmap.labels"]).toMatchObject({ dtype: "int64", dims: [1, 2, 3] });
});

test("a batch follows from seed and step alone, over the ends of epochs", async () => {
  const segmenter = asSegmenter(tinyNetwork({ outputs: 4 }), [3, 12, 16], { classes: 4, abstention: 0 }, 1);
  const plan = planPixels(segmenter, [3, 12, 16], { train: "all", batchNorm: "batch", trunkStatistics: "frozen" });
  const scenes = {
    scenes: memoryScenes(5, 12, 16),
    outliers: memoryObjects(2),
    batchSize: 2,
    crop: { height: 12, width: 16 },
  };
  const source = (seed: number) =>
    new SceneSource({ plan, scenes, normalization: undefined, seed, dropout: false, prefix: undefined });
  const first = source(1);
  const seen = [];
  for (let step = 0; step < 7; step++) seen.push(await first.batch(step));
  expect(seen.map(({ sizes }) => sizes.batch)).toEqual([2, 2, 1, 2, 2, 1, 2]);
  expect(await source(1).batch(6)).toEqual(seen[6]);
  expect(await source(2).batch(6)).not.toEqual(seen[6]);
  expect(seen[0]).not.toEqual(seen[3]);
});
