import { describe, expect, test } from "vitest";
import { createGenerator } from "./random.js";
import { epochSampler, outlierSampler, sequentialBatches, stepGenerator } from "./sampling.js";

const generator = createGenerator(11);
const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
const sorted = (values: Iterable<number>): number[] => [...values].sort((one, other) => one - other);

describe("in-distribution batches", () => {
  const sampler = epochSampler({ length: 10, batchSize: 4, generator });
  const epoch = (number: number): number[] => range(3).flatMap((step) => [...sampler.batch(number, step)]);

  test("hold every image once an epoch, the last batch what is left", () => {
    expect(sampler.stepsPerEpoch).toBe(3);
    expect(sampler.batch(0, 2)).toHaveLength(2);
    expect(sorted(epoch(0))).toEqual(range(10));
  });

  test("come in another order each epoch", () => {
    expect(epoch(1)).not.toEqual(epoch(0));
    expect(sorted(epoch(1))).toEqual(range(10));
  });

  test("are the same when a run resumes in the middle, in a new process", () => {
    const resumed = epochSampler({ length: 10, batchSize: 4, generator: createGenerator(11) });
    expect(resumed.batch(5, 1)).toEqual(sampler.batch(5, 1));
    expect(resumed.batch(2, 0)).toEqual(sampler.batch(2, 0));
  });

  test("without shuffling are the dataset's own order in every epoch", () => {
    const plain = epochSampler({ length: 5, batchSize: 2, shuffle: false, generator });
    expect([[...plain.batch(0, 0)], [...plain.batch(3, 1)], [...plain.batch(3, 2)]]).toEqual([[0, 1], [2, 3], [4]]);
  });

  test("may be changed by the receiver without harm to the next", () => {
    sampler.batch(0, 0).fill(-1);
    expect(sorted(epoch(0))).toEqual(range(10));
  });

  test("end with the epoch", () => {
    expect(() => sampler.batch(0, 3)).toThrow("step: expected below 3, the steps of an epoch, got 3");
    expect(() => sampler.batch(-1, 0)).toThrow("epoch and step");
  });
});

describe("outlier batches", () => {
  test("are windows of one round order, entered at another place each epoch", () => {
    const sampler = outlierSampler({ length: 100, batchSize: 10, generator });
    const round = range(10).flatMap((step) => [...sampler.batch(0, step)]);
    expect(sorted(round)).toEqual(range(100));
    const starts = new Set<number>();
    for (const epoch of range(6)) {
      const batch = [...sampler.batch(epoch, 0)];
      const start = round.indexOf(batch[0] as number);
      starts.add(start);
      expect(batch).toEqual(range(10).map((place) => round[(start + place) % 100]));
    }
    expect(starts.size).toBeGreaterThan(3);
  });

  test("mix the classes of a set that lies in class order", () => {
    const sampler = outlierSampler({ length: 1000, batchSize: 50, generator });
    const low = [...sampler.batch(0, 0)].filter((index) => index < 500).length;
    expect(low).toBeGreaterThan(8);
    expect(low).toBeLessThan(42);
  });

  test("start over when the set is shorter than the epoch, or than a batch", () => {
    const sampler = outlierSampler({ length: 3, batchSize: 4, shuffle: false, generator });
    expect([[...sampler.batch(0, 0)], [...sampler.batch(0, 1)], [...sampler.batch(0, 2)]]).toEqual([
      [0, 1, 2, 0],
      [1, 2, 0, 1],
      [2, 0, 1, 2],
    ]);
    expect([...sampler.batch(1, 0)]).toEqual([0, 1, 2, 0]);
    expect(sampler.batch(0, 1_000_000)).toHaveLength(4);
  });

  test("are the same when a run resumes in the middle", () => {
    const one = outlierSampler({ length: 100, batchSize: 7, generator: createGenerator(4) });
    one.batch(0, 0);
    const two = outlierSampler({ length: 100, batchSize: 7, generator: createGenerator(4) });
    expect(two.batch(3, 9)).toEqual(one.batch(3, 9));
  });
});

test("a step's generator depends on seed, epoch and step alone", () => {
  const bits = (seed: number, epoch: number, step: number): number =>
    stepGenerator(createGenerator(seed).fork("augment"), epoch, step).uniform();
  expect(bits(1, 2, 3)).toBe(bits(1, 2, 3));
  expect(new Set([bits(1, 2, 3), bits(1, 3, 2), bits(2, 2, 3), bits(1, 2, 4)]).size).toBe(4);
});

test("sequential batches cover everything once", () => {
  expect([...sequentialBatches(5, 2)].map((batch) => [...batch])).toEqual([[0, 1], [2, 3], [4]]);
});

test.each([
  [0, 4, "expected at least one image"],
  [4, 0, "batch size"],
  [4, 1.5, "batch size"],
])("%i images in batches of %d are refused", (length, batchSize, message) => {
  expect(() => epochSampler({ length, batchSize, generator })).toThrow(message);
  expect(() => outlierSampler({ length, batchSize, generator })).toThrow(message);
  expect(() => [...sequentialBatches(length, batchSize)]).toThrow(message);
});
