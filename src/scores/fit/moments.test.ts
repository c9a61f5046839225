import { describe, expect, test } from "vitest";
import { createGenerator } from "../../data/index.js";
import { LocalEngine } from "../../runtime/index.js";
import { Moments } from "./moments.js";
import { SumGraph } from "./sum-graph.js";

const [count, classes, dimension] = [400, 3, 5];

/** Vectors of spread 1 about a mean of some size, with correlated axes and classes apart; class 2 is rare. */
function vectors(size: number): { vector: number[]; label: number }[] {
  const generator = createGenerator(3);
  return Array.from({ length: count }, (_, at) => {
    const label = at % 20 === 0 ? 2 : at % 2;
    const common = generator.uniform();
    const vector = Array.from({ length: dimension }, (_, axis) =>
      Math.fround(size * (axis + 1) + label + common + generator.uniform()),
    );
    return { vector, label };
  });
}

const engine = new LocalEngine({ threads: 1 });

/** In batches, the last of which is smaller. */
async function momentsOf(of: readonly { vector: readonly number[]; label: number }[], size: number) {
  const sums = await SumGraph.load(engine, { classes, dimension: size }, { directions: false, products: true });
  for (let start = 0; start < of.length; start += 90) {
    const batch = of.slice(start, start + 90);
    const rows = Float32Array.from(batch.flatMap(({ vector }) => vector));
    await sums.add(
      rows,
      Int32Array.from(batch, ({ label }) => label),
    );
  }
  await sums.release();
  return new Moments(sums.result());
}

const meanOf = (of: readonly { vector: readonly number[] }[], size: number) =>
  // Sums of the differences from a nearby number, so that the expectation loses no digits itself.
  Array.from({ length: dimension }, (_, axis) => {
    const origin = size * (axis + 1);
    return origin + of.reduce((sum, { vector }) => sum + ((vector[axis] as number) - origin), 0) / of.length;
  });

function covarianceAbout(of: ReturnType<typeof vectors>, centre: (label: number) => readonly number[]): number[] {
  return Array.from({ length: dimension ** 2 }, (_, at) => {
    const [i, j] = [Math.floor(at / dimension), at % dimension];
    const products = of.map(({ vector, label }) => {
      const mean = centre(label);
      return ((vector[i] as number) - (mean[i] as number)) * ((vector[j] as number) - (mean[j] as number));
    });
    return products.reduce((sum, product) => sum + product, 0) / count;
  });
}

function expectClose(actual: Float64Array, expected: readonly number[], tolerance: number): void {
  expect(actual).toHaveLength(expected.length);
  const errors = expected.map((value, at) => Math.abs((actual[at] as number) - value));
  expect(Math.max(...errors)).toBeLessThan(tolerance);
}

describe.each([0, 1, 1e6])("vectors of spread 1 at a distance of %d", async (size) => {
  const all = vectors(size);
  const moments = await momentsOf(all, dimension);
  const byClass = Array.from({ length: classes }, (_, label) =>
    meanOf(
      all.filter((each) => each.label === label),
      size,
    ),
  );
  // Float64 keeps 16 digits of the vectors themselves.
  const rounding = 1e-15 * Math.max(1, size * dimension);

  test("counts and means equal those of two passes", () => {
    expect(moments.count).toBe(count);
    expect(Array.from(moments.counts)).toEqual([180, 200, 20]);
    expectClose(moments.mean(), meanOf(all, size), 10 * rounding);
    expectClose(moments.classMeans(), byClass.flat(), 10 * rounding);
  });

  test("covariances equal those of two passes, and nothing of them cancels", () => {
    const mean = meanOf(all, size);
    const overall = covarianceAbout(all, () => mean);
    const within = covarianceAbout(all, (label) => byClass[label] as number[]);
    expectClose(moments.covariance(), overall, 1e-13 + 10 * rounding);
    expectClose(moments.withinCovariance(), within, 1e-13 + 10 * rounding);
  });
});

test("directions have the length 1 in float64, and that of a vector of zeros is 0", async () => {
  const sums = await SumGraph.load(engine, { classes, dimension: 2 }, { directions: true, products: true });
  await sums.add(Float32Array.of(3e20, 4e20, 0, 0, 0, -1e-30), Int32Array.of(0, 1, 2));
  await sums.release();
  expectClose(new Moments(sums.result()).classMeans(), [0.6, 0.8, 0, 0, 0, -1], 1e-15);
});

test("a class without vectors has no mean, and does not disturb the covariance", async () => {
  const values = [1, 3].map((value) => ({ vector: [value], label: 0 }));
  const moments = await momentsOf(values, 1);
  expect(moments.classMeans()).toEqual(Float64Array.of(2, Number.NaN, Number.NaN));
  expect(moments.withinCovariance()).toEqual(Float64Array.of(1));
});
