import { describe, expect, test } from "vitest";
import { createGenerator, type Generator } from "../../data/index.js";
import type { Rows } from "./fit-data.js";
import { Sample } from "./sample.js";

/** Adds images 0, 1, … in batches of three; each shows its number in all of its rows. */
function collect(
  count: number,
  { limit, generator = createGenerator(1) }: { limit: number; generator?: Generator },
): Rows {
  const sample = new Sample({ classes: 2, dimension: 2 }, generator, limit);
  for (let start = 0; start < count; start += 3) {
    const batch = Array.from({ length: Math.min(3, count - start) }, (_, at) => start + at);
    sample.add({
      count: batch.length,
      features: Float32Array.from(batch.flatMap((image) => [image, -image])),
      logits: Float32Array.from(batch.flatMap((image) => [2 * image, 3 * image])),
      labels: Int32Array.from(batch, (image) => image % 2),
    });
  }
  return sample.rows();
}

const imagesOf = ({ count, features }: Rows) => Array.from({ length: count }, (_, row) => features[2 * row]);

describe("a sample", () => {
  test.each([7, 10])("of %d images with room for 10 is all of them, in order", (count) => {
    const rows = collect(count, { limit: 10 });
    expect(imagesOf(rows)).toEqual(Array.from({ length: count }, (_, image) => image));
    expect(rows.labels).toHaveLength(count);
    expect(rows.logits).toHaveLength(2 * count);
  });

  test("of a larger set has as many different images as there is room for, each with its own logits and label", () => {
    const rows = collect(100, { limit: 10 });
    const images = imagesOf(rows) as number[];
    expect(new Set(images).size).toBe(10);
    images.forEach((image, row) => {
      expect(Array.from(rows.features.subarray(2 * row, 2 * row + 2))).toEqual([image, -image]);
      expect(Array.from(rows.logits.subarray(2 * row, 2 * row + 2))).toEqual([2 * image, 3 * image]);
      expect(rows.labels[row]).toBe(image % 2);
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
