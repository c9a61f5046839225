import { expect, test } from "vitest";
import { openCollector } from "../../../test/reference/tiny-scores.js";
import { createGenerator } from "../../data/index.js";
import { DataError } from "../../errors.js";
import type { Engine } from "../../runtime/index.js";
import { FitCollector, type FitPart } from "./fit-data.js";

const head = { weight: new Float32Array(4), bias: new Float32Array(2), classes: 2, dimension: 2 };

/** Images 0 to 99 in batches of three, of which 10 are kept; each shows its number in its features. */
async function hundred() {
  const collector = await openCollector(head, { limit: 10 });
  for (let start = 0; start < 100; start += 3) {
    const batch = Array.from({ length: Math.min(3, 100 - start) }, (_, at) => start + at);
    await collector.add({
      count: batch.length,
      features: Float32Array.from(batch.flatMap((image) => [image, -image])),
      logits: new Float32Array(2 * batch.length),
      labels: Int32Array.from(batch, (image) => image % 2),
    });
  }
  await collector.close();
  return collector.data();
}

test("the sums are over all images, not over the sample", async () => {
  const data = await hundred();
  expect(data.sample.count).toBe(10);
  expect(data.features.count).toBe(100);
  expect(data.mean).toEqual(Float64Array.of(49.5, -49.5));
  expect(data.features.mean()).toEqual(data.mean);
  // Image 0 has features of zeros, and so no direction.
  expect(data.directions.mean()[0]).toBeCloseTo(0.99 * Math.SQRT1_2, 12);
});

test("a fit without images is refused", async () => {
  const collector = await openCollector(head);
  expect(() => collector.data()).toThrow(DataError);
  expect(() => collector.data()).toThrow("fit: expected at least one in-distribution image, got none");
});

test("a fit that reads rows alone has no graph of sums computed", async () => {
  const none = new Proxy({} as Engine, {
    get: () => () => {
      throw new Error("the engine was used");
    },
  });
  const options = { generator: createGenerator(1) };
  const collector = await FitCollector.open(none, head, new Set<FitPart>(["sample"]), options);
  const [features, logits] = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
  await collector.add({ count: 1, features, logits, labels: Int32Array.of(1) });
  expect(collector.data().sample).toEqual({ count: 1, features, logits, labels: Int32Array.of(1) });
  await expect(FitCollector.open(none, head, new Set<FitPart>(["mean"]), options)).rejects.toThrow("engine was used");
});
