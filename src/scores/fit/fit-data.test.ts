import { describe, expect, test } from "vitest";
import { createGenerator, type Generator } from "../../data/index.js";
import { DataError } from "../../errors.js";
import { FitCollector, type FitData } from "./fit-data.js";

const head = { weight: new Float32Array(4), bias: new Float32Array(2), classes: 2, dimension: 2 };

/** Adds images 0, 1, … in batches of three; each shows its number in all of its rows. */
function collect(
  count: number,
  { limit, generator = createGenerator(1) }: { limit: number; generator?: Generator },
): FitData {
  const collector = new FitCollector(head, generator, limit);
  for (let start = 0; start < count; start += 3) {
    const batch = Array.from({ length: Math.min(3, count - start) }, (_, at) => start + at);
    collector.add({
      count: batch.length,
      features: Float32Array.from(batch.flatMap((image) => [image, -image])),
      logits: Float32Array.from(batch.flatMap((image) => [2 * image, 3 * image])),
      labels: Int32Array.from(batch, (image) => image % 2),
    });
  }
  return collector.data();
}

const imagesOf = ({ sample }: FitData) => Array.from({ length: sample.count }, (_, row) => sample.features[2 * row]);

describe("the sample", () => {
  test.each([7, 10])("of %d images with room for 10 is all of them, in order", (count) => {
    const data = collect(count, { limit: 10 });
    expect(data.images).toBe(count);
    expect(imagesOf(data)).toEqual(Array.from({ length: count }, (_, image) => image));
    expect(data.sample.labels).toHaveLength(count);
    expect(data.sample.logits).toHaveLength(2 * count);
  });

  test("of a larger set has as many different images as there is room for, each with its own logits and label", () => {
    const data = collect(100, { limit: 10 });
    const images = imagesOf(data) as number[];
    expect(data.images).toBe(100);
    expect(new Set(images).size).toBe(10);
    images.forEach((image, row) => {
      expect(Array.from(data.sample.features.subarray(2 * row, 2 * row + 2))).toEqual([image, -image]);
      expect(Array.from(data.sample.logits.subarray(2 * row, 2 * row + 2))).toEqual([2 * image, 3 * image]);
      expect(data.sample.labels[row]).toBe(image % 2);
    });
  });

  test("of a larger set has every image equally often, first or last", () => {
    const [count, limit, trials] = [20, 5, 4000];
    const generator = createGenerator(11);
    const kept = new Float64Array(count);
    for (let trial = 0; trial < trials; trial++) {
      for (const image of imagesOf(collect(count, { limit, generator: generator.fork(trial) }))) {
        kept[image as number] = (kept[image as number] as number) + 1;
      }
    }
    const share = limit / count;
    const squares = kept.map((times) => (times - trials * share) ** 2);
    // Draws without replacement: this statistic has a χ² distribution of count - 1 degrees of freedom.
    const statistic = (squares.reduce((sum, x) => sum + x, 0) / (trials * share * (1 - share))) * ((count - 1) / count);
    // 99.9 % of χ² with 19 degrees of freedom.
    expect(statistic).toBeLessThan(43.82);
  });
});

test("the sums are over all images, not over the sample", () => {
  const data = collect(100, { limit: 10 });
  expect(data.features.count).toBe(100);
  expect(data.features.mean()).toEqual(Float64Array.of(49.5, -49.5));
  // Image 0 has features of zeros, and so no direction.
  expect(data.directions.mean()[0]).toBeCloseTo(0.99 * Math.SQRT1_2, 12);
});

test("a fit without images is refused", () => {
  const data = () => collect(0, { limit: 10 });
  expect(data).toThrow(DataError);
  expect(data).toThrow("fit: expected at least one in-distribution image, got none");
});
