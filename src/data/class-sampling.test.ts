import { describe, expect, test } from "vitest";
import { classBalancedSampler, squareRootSampler } from "./class-sampling.js";
import { createGenerator } from "./random.js";

/** Classes 0, 1, 2 and 4 with 64, 16, 4 and 1 images, in mixed order; class 3 has none. */
const sizes = [64, 16, 4, 0, 1];
const labels = ((): Int32Array => {
  const inOrder = sizes.flatMap((size, label) => Array<number>(size).fill(label));
  return createGenerator(9)
    .permutation(inOrder.length)
    .map((place) => inOrder[place] as number);
})();
const generator = createGenerator(21);
const samplers = { classBalancedSampler, squareRootSampler };

/** How often each image was drawn in many epochs. */
function drawn(make: typeof classBalancedSampler, epochs: number): Int32Array {
  const sampler = make({ labels, batchSize: 10, generator });
  const counts = new Int32Array(labels.length);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let step = 0; step < sampler.stepsPerEpoch; step++) {
      for (const index of sampler.batch(epoch, step)) counts[index] = (counts[index] as number) + 1;
    }
  }
  return counts;
}

const chiSquare = (counts: readonly number[], expected: readonly number[]): number =>
  counts.reduce((sum, count, at) => sum + (count - (expected[at] as number)) ** 2 / (expected[at] as number), 0);

describe.each([
  ["classBalancedSampler", [1, 1, 1, 1]],
  ["squareRootSampler", [8, 4, 2, 1]],
] as const)("%s", (name, weights) => {
  const counts = drawn(samplers[name], 400);
  const present = [0, 1, 2, 4];
  const byClass = present.map((label) =>
    counts.reduce((sum, count, at) => sum + (labels[at] === label ? count : 0), 0),
  );
  const total = 400 * labels.length;

  test(`draws classes in the ratio ${weights.join(" : ")}`, () => {
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    expect(byClass.reduce((sum, count) => sum + count, 0)).toBe(total);
    // 3 degrees of freedom: 16.3 is exceeded once in a thousand seeds, and this seed is fixed.
    expect(
      chiSquare(
        byClass,
        weights.map((weight) => (total * weight) / all),
      ),
    ).toBeLessThan(16.3);
  });

  test("draws the images of a class equally often", () => {
    const members = [...counts].filter((_, at) => labels[at] === 0);
    const expected = (byClass[0] as number) / 64;
    // 63 degrees of freedom.
    expect(chiSquare(members, Array<number>(64).fill(expected))).toBeLessThan(103.4);
  });

  test("gives a step the same images whatever was asked before, and others for another epoch, step or seed", () => {
    const make = (seed: number) => samplers[name]({ labels, batchSize: 10, generator: createGenerator(seed) });
    const one = make(1);
    one.batch(0, 0);
    const batch = one.batch(3, 5);
    expect(make(1).batch(3, 5)).toEqual(batch);
    for (const other of [make(1).batch(5, 3), make(1).batch(3, 4), make(1).batch(4, 5), make(2).batch(3, 5)]) {
      expect(other).not.toEqual(batch);
    }
  });

  test("makes an epoch as long as the set, its last batch what is left", () => {
    const sampler = samplers[name]({ labels, batchSize: 10, generator });
    expect(sampler.stepsPerEpoch).toBe(9);
    expect([sampler.batch(0, 7).length, sampler.batch(0, 8).length]).toEqual([10, 5]);
    expect(() => sampler.batch(0, 9)).toThrow("step: expected below 9, the steps of an epoch, got 9");
    expect(() => sampler.batch(-1, 0)).toThrow("epoch and step");
  });

  test.each([
    [Int32Array.of(), 4, "images to draw: expected at least one image"],
    [Int32Array.of(0, -1), 4, "label of image 1: expected 0 to 0, got -1"],
    [Int32Array.of(0, 1), 0, "batch size"],
  ])("refuses labels %o in batches of %d", (bad, batchSize, message) => {
    expect(() => samplers[name]({ labels: bad, batchSize, generator })).toThrow(message);
  });
});
