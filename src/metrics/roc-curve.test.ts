import fc from "fast-check";
import { expect, test } from "vitest";
import { OptionError } from "../errors.js";
import { auroc } from "./curve-metrics.js";
import { rankScores } from "./ranking.js";
import { type RocCurve, rocCurve } from "./roc-curve.js";

const scores = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 });

function points({ fpr, tpr, thresholds }: RocCurve) {
  return Array.from(fpr, (x, index) => ({ x, y: tpr[index] as number, threshold: thresholds[index] as number }));
}

function areaUnder(curve: RocCurve): number {
  const list = points(curve);
  return list.slice(1).reduce((area, { x, y }, index) => {
    const before = list[index] as { x: number; y: number };
    return area + ((x - before.x) * (y + before.y)) / 2;
  }, 0);
}

test("leaving out straight stretches leaves the area under the curve as it is", () => {
  fc.assert(
    fc.property(scores, scores, (id, ood) => {
      const ranking = rankScores(Float32Array.from(id), Float32Array.from(ood));
      expect(areaUnder(rocCurve(ranking, 1000))).toBeCloseTo(auroc(ranking), 12);
    }),
  );
});

test("every point is a point of the exact curve, in order, from (0, 0) to (1, 1), and there are at most as many as asked", () => {
  fc.assert(
    fc.property(scores, scores, fc.integer({ min: 2, max: 30 }), (id, ood, maxPoints) => {
      const curve = points(rocCurve(rankScores(Float32Array.from(id), Float32Array.from(ood)), maxPoints));
      expect(curve.length).toBeLessThanOrEqual(maxPoints);
      expect(curve[0]).toEqual({ x: 0, y: 0, threshold: Infinity });
      expect(curve.at(-1)).toEqual({ x: 1, y: 1, threshold: Math.min(...id, ...ood) });
      const share = (values: number[], threshold: number) =>
        values.filter((value) => value >= threshold).length / values.length;
      curve.forEach(({ x, y, threshold }, index) => {
        expect(x).toBe(share(id, threshold));
        expect(y).toBe(share(ood, threshold));
        if (index > 0) expect(threshold).toBeLessThan(curve[index - 1]?.threshold as number);
      });
    }),
  );
});

test("a long curve is thinned to about the number of points asked for, spread over its whole length", () => {
  const id = Float64Array.from({ length: 5000 }, (_, index) => Math.abs(Math.sin(index)) ** 1.5);
  const ood = Float64Array.from({ length: 5000 }, (_, index) => Math.abs(Math.sin(index * 1.7)));
  const curve = points(rocCurve(rankScores(id, ood), 101));
  expect(curve.length).toBeGreaterThan(95);
  const gaps = curve
    .slice(1)
    .map(({ x, y }, index) => x + y - (curve[index]?.x as number) - (curve[index]?.y as number));
  expect(Math.max(...gaps)).toBeLessThan(0.045);
});

test("a curve that goes straight up and straight right is three points", () => {
  const curve = rocCurve(rankScores(Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6, 7)), 100);
  expect(points(curve)).toEqual([
    { x: 0, y: 0, threshold: Infinity },
    { x: 0, y: 1, threshold: 4 },
    { x: 1, y: 1, threshold: 1 },
  ]);
});

test.each([1, 0, 2.5])("%s points are refused", (maxPoints) => {
  const ranking = rankScores(Float32Array.of(1), Float32Array.of(2));
  expect(() => rocCurve(ranking, maxPoints)).toThrow(OptionError);
});
