import fc from "fast-check";
import { expect, test } from "vitest";
import { extent, linearScale, niceDomain, tickStep, ticks } from "./scale.js";

test.each([
  [[0, 100], 5, [0, 20, 40, 60, 80, 100]],
  [[0, 1], 5, [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1]],
  [[-17.3, -4.1], 3, [-15, -10, -5]],
  [[1, 300], 3, [100, 200, 300]],
] as const)("ticks of %j are round numbers inside it", (domain, target, expected) => {
  expect(ticks(domain, target)).toEqual(expected);
});

const domains = fc
  .tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: 1e-3, max: 1e6, noNaN: true }))
  .map(([low, size]) => [low, low + size] as const);

test("for any domain the number of ticks is near the target, and all lie inside", () => {
  fc.assert(
    fc.property(domains, fc.integer({ min: 2, max: 10 }), (domain, target) => {
      const step = tickStep(domain, target);
      const all = ticks(domain, target);
      expect(all.length).toBeGreaterThanOrEqual(Math.floor(target / Math.SQRT2) - 1);
      expect(all.length).toBeLessThanOrEqual(Math.ceil(target * 1.6) + 1);
      for (const value of all) {
        expect(value).toBeGreaterThanOrEqual(domain[0] - step * 1e-6);
        expect(value).toBeLessThanOrEqual(domain[1] + step * 1e-6);
      }
    }),
  );
});

test("a nice domain holds the data and exceeds it by less than a step at each end", () => {
  fc.assert(
    fc.property(domains, (domain) => {
      const [low, high] = niceDomain(domain, 4);
      const step = tickStep(domain, 4);
      expect(low).toBeLessThanOrEqual(domain[0] + step * 1e-6);
      expect(high).toBeGreaterThanOrEqual(domain[1] - step * 1e-6);
      expect(domain[0] - low).toBeLessThan(step * 1.000001);
      expect(high - domain[1]).toBeLessThan(step * 1.000001);
    }),
  );
});

test("a scale maps its ends to the ends, also upside down", () => {
  const y = linearScale([-2, 2], [200, 0]);
  expect([y(-2), y(0), y(2)]).toEqual([200, 100, 0]);
});

test("the extent ignores what is not finite and never has zero width", () => {
  expect(extent([3, Number.NaN, -1, Infinity])).toEqual([-1, 3]);
  expect(extent([])).toEqual([0, 1]);
  expect(extent([4, 4])).toEqual([2, 6]);
  expect(extent([0])).toEqual([-0.5, 0.5]);
});
