import { expect, test } from "vitest";
import { memoryObjects, memoryScenes } from "../../../test/data/segmentation.js";
import { createGenerator } from "../random.js";
import { type SceneSamplerOptions, sceneSampler } from "./sampler.js";
import { outlierLabel } from "./types.js";

const scenes = memoryScenes(10, 12, 16);
const outliers = memoryObjects(3);
const sampler = (options: Partial<SceneSamplerOptions> = {}, seed = 1) =>
  sceneSampler({
    scenes,
    outliers,
    batchSize: 4,
    crop: { height: 8, width: 8 },
    scales: { least: 0.5, most: 2 },
    paste: { scale: [0.5, 2], feather: 1 },
    generator: createGenerator(seed),
    ...options,
  });

test("a batch follows from seed, epoch and step alone: a resumed run sees the same bits", async () => {
  const whole = sampler();
  const seen = [];
  for (let epoch = 0; epoch < 3; epoch++) {
    for (let step = 0; step < whole.stepsPerEpoch; step++) seen.push(await whole.batch(epoch, step));
  }
  expect(await sampler().batch(2, 1)).toEqual(seen[2 * 3 + 1]);
  expect(await sampler().batch(0, 0)).toEqual(seen[0]);
  expect(await sampler({}, 2).batch(0, 0)).not.toEqual(seen[0]);
  // Neither epochs nor steps repeat each other.
  expect(new Set(seen.map(({ images }) => images.data.join())).size).toBe(9);
});

test("every scene comes once an epoch, and the last batch is what is left", async () => {
  const { batch, stepsPerEpoch } = sampler();
  const batches = await Promise.all(Array.from({ length: stepsPerEpoch }, (_, step) => batch(5, step)));
  expect(batches.map(({ images }) => images.count)).toEqual([4, 4, 2]);
  expect(batches.flatMap(({ indices }) => [...indices]).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const { images, labels } of batches) {
    expect(images.shape).toEqual([3, 8, 8]);
    expect(images.data).toHaveLength(images.count * 192);
    expect(labels).toHaveLength(images.count * 64);
  }
});

test("the share of scenes with an object is the one asked for; only those hold anomalies", async () => {
  const { batch } = sampler({
    outlierShare: 0.3,
    batchSize: 10,
    crop: { height: 12, width: 16 },
    scales: [1],
    paste: {},
  });
  let pasted = 0;
  const used = new Set<number>();
  for (let epoch = 0; epoch < 100; epoch++) {
    const { labels, objects } = await batch(epoch, 0);
    objects.forEach((object, place) => {
      if (object >= 0) used.add(object);
      pasted += object >= 0 ? 1 : 0;
      expect(labels.subarray(place * 192, (place + 1) * 192).includes(outlierLabel)).toBe(object >= 0);
    });
  }
  // 1,000 draws of 0.3: three standard deviations are 43.
  expect(Math.abs(pasted - 300)).toBeLessThan(43);
  expect([...used].sort()).toEqual([0, 1, 2]);
});

test("without objects nothing is pasted, and the same scenes come in the same order", async () => {
  const { outliers: _, ...rest } = { outliers, ...{ outlierShare: 0 } };
  const none = await sampler(rest).batch(1, 1);
  expect(none.labels.includes(outlierLabel)).toBe(false);
  expect([...none.objects]).toEqual([-1, -1, -1, -1]);
  expect(none.indices).toEqual((await sampler().batch(1, 1)).indices);
});

test("the set's own order without shuffling", async () => {
  expect([...(await sampler({ shuffle: false }).batch(7, 1)).indices]).toEqual([4, 5, 6, 7]);
});

test("the scenes of the dataset, which it keeps, are never written into", async () => {
  const before = await memoryScenes(10, 12, 16).read([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await sampler({ outlierShare: 1, batchSize: 10, flip: 1 }).batch(0, 0);
  expect(await scenes.read([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual(before);
});

test.each([
  [{ outlierShare: 1.5 }, "share of scenes with outliers: expected 0 to 1, got 1.5"],
  [{ batchSize: 0 }, "batch size: expected an integer of at least 1"],
  [{ scales: [0] }, "scales of scenes"],
])("%j is refused at once", (options, message) => {
  expect(() => sampler(options)).toThrow(message);
});

test("a share without objects is refused at once", () => {
  const options = {
    scenes,
    batchSize: 1,
    crop: { height: 8, width: 8 },
    outlierShare: 0.5,
    generator: createGenerator(1),
  };
  expect(() => sceneSampler(options)).toThrow("expected objects to paste, got none");
});
