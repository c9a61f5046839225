import { describe, expect, test } from "vitest";
import { createGenerator, type Generator } from "./random.js";

const draws = (generator: Generator, count = 8): number[] =>
  Array.from({ length: count }, () => generator.integer(1e6));

/** Pearson's statistic of counts that should be even. */
function chiSquare(counts: readonly number[], total: number): number {
  const expected = total / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

test("the numbers of a seed never change, so that old runs can be repeated", () => {
  const generator = createGenerator(1);
  expect(draws(generator, 4)).toMatchInlineSnapshot(`
    [
      333992,
      220010,
      362336,
      228236,
    ]
  `);
  expect(generator.uniform()).toMatchInlineSnapshot(`0.6455957325336261`);
  expect([...generator.fork("order").fork(3).permutation(8)]).toMatchInlineSnapshot(`
    [
      3,
      5,
      7,
      2,
      4,
      1,
      6,
      0,
    ]
  `);
});

describe("fork", () => {
  test("does not depend on what was drawn before, nor disturb what comes after", () => {
    const used = createGenerator(5);
    draws(used);
    expect(draws(used.fork("x"))).toEqual(draws(createGenerator(5).fork("x")));
    const forked = createGenerator(5);
    draws(forked.fork("x"));
    expect(draws(forked)).toEqual(draws(createGenerator(5)));
  });

  test("gives different numbers for every seed, label, kind of label and path", () => {
    const root = createGenerator(0);
    const generators = [
      root,
      ...Array.from({ length: 300 }, (_, seed) => createGenerator(seed + 1)),
      ...Array.from({ length: 300 }, (_, step) => root.fork(step)),
      ...Array.from({ length: 300 }, (_, step) => root.fork(String(step))),
      ...Array.from({ length: 300 }, (_, step) => root.fork(0).fork(step)),
      root.fork("ab"),
      root.fork("a").fork("b"),
      root.fork(""),
      root.fork(2 ** 40),
      root.fork(0.5),
      root.fork(-1),
    ];
    expect(new Set(generators.map((generator) => draws(generator, 3).join())).size).toBe(generators.length);
  });

  test("neighbouring forks are unrelated: their first numbers are evenly spread", () => {
    const root = createGenerator(3);
    const counts = new Array<number>(64).fill(0);
    const total = 6400;
    for (let step = 0; step < total; step++) {
      const value = root.fork(step).integer(64);
      counts[value] = (counts[value] as number) + 1;
    }
    // 63 degrees of freedom: beyond 117 once in 50,000 tries; below 24 as rarely (too even is no chance either).
    expect(chiSquare(counts, total)).toBeLessThan(117);
    expect(chiSquare(counts, total)).toBeGreaterThan(24);
  });
});

describe("numbers", () => {
  test("uniform covers [0, 1) evenly", () => {
    const generator = createGenerator(9);
    const counts = new Array<number>(50).fill(0);
    for (let draw = 0; draw < 10_000; draw++) {
      const value = generator.uniform();
      expect(value >= 0 && value < 1).toBe(true);
      const bin = Math.floor(value * 50);
      counts[bin] = (counts[bin] as number) + 1;
    }
    expect(chiSquare(counts, 10_000)).toBeLessThan(98);
  });

  test("every order of three comes up as often as the others", () => {
    const generator = createGenerator(2);
    const counts = new Map<string, number>();
    for (let draw = 0; draw < 6000; draw++) {
      const order = generator.permutation(3).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // 5 degrees of freedom: beyond 30 once in 70,000 tries.
    expect(chiSquare([...counts.values()], 6000)).toBeLessThan(30);
  });

  test("a permutation holds every number once", () => {
    expect([...createGenerator(1).permutation(1000)].sort((one, other) => one - other)).toEqual(
      Array.from({ length: 1000 }, (_, index) => index),
    );
    expect(createGenerator(1).permutation(0)).toHaveLength(0);
  });

  test.each([0, -1, 1.5, Number.NaN])("a range of %d is refused", (n) => {
    expect(() => createGenerator(1).integer(n)).toThrow("at least 1");
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53])("a seed of %d is refused", (seed) => {
    expect(() => createGenerator(seed)).toThrow("seed: expected an integer");
  });
});
