import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataError, OptionError } from "../errors.js";
import { fprFirstReachingRecall, fprNearestRecall, fprReachingRecall } from "./curve-metrics.js";
import { detectionMetrics } from "./detection-metrics.js";
import { type PresetName, presets } from "./presets.js";
import { type Ranking, rankScores } from "./ranking.js";

interface Expected {
  readonly auroc: number;
  readonly aupr: number;
  readonly fpr: readonly number[];
}
interface Case extends Record<PresetName, Expected> {
  readonly name: string;
  readonly dtype: "float32" | "float64";
  readonly id: readonly number[];
  readonly ood: readonly number[];
  readonly levels: readonly number[];
}
// Made by test/reference/metrics.py from scikit-learn 1.2.
const reference = JSON.parse(readFileSync(new URL("../../test/reference/metrics.json", import.meta.url), "utf8")) as {
  cases: readonly Case[];
};
const arrays = { float32: Float32Array, float64: Float64Array };
const presetNames = Object.keys(presets) as PresetName[];

describe.each(reference.cases)("$name", (example) => {
  const id = arrays[example.dtype].from(example.id);
  const ood = arrays[example.dtype].from(example.ood);

  test.each(presetNames)(
    "%s: AUROC and AUPR equal scikit-learn's, the FPR equals the preset's rule at every level",
    (preset) => {
      const { auroc, aupr, fpr95, n_id, n_ood } = detectionMetrics(id, ood, { preset });
      const expected = example[preset];
      expect(Math.abs(auroc - expected.auroc)).toBeLessThan(1e-12);
      expect(Math.abs(aupr - expected.aupr)).toBeLessThan(1e-12);
      expect(fpr95).toBe(expected.fpr[example.levels.indexOf(0.95)]);
      const ranking = rankScores(id, ood);
      expect(example.levels.map((level) => presets[preset].fpr(ranking, level))).toEqual(expected.fpr);
      expect([n_id, n_ood]).toEqual([example.id.length, example.ood.length]);
    },
  );
});

test("the example on which the two rules for FPR95 disagree gives .7 and .8", () => {
  const ood = Float64Array.of(0.9, 0.8, 0.7, 0.6, 0.55, 0.5, 0.4, 0.35, 0.3, 0.1);
  const id = Float64Array.of(0.85, 0.65, 0.5, 0.45, 0.2, 0.15, 0.12, 0.1, 0.05, 0.01);
  const official = detectionMetrics(id, ood, { preset: "official" });
  expect(official.auroc).toBe(0.72);
  expect(official.aupr).toBeCloseTo(0.70151793, 8);
  expect(official.fpr95).toBe(0.7);
  expect(detectionMetrics(id, ood, { preset: "openood" }).fpr95).toBe(0.8);
  const fishyscapes = detectionMetrics(id, ood, { preset: "fishyscapes" });
  expect([fishyscapes.aupr, fishyscapes.fpr95]).toEqual([official.aupr, 0.8]);
});

/** Recall and false positives at every distinct threshold, highest first, straight from the definition. */
function curve(id: Float64Array, ood: Float64Array) {
  const thresholds = [...new Set([...id, ...ood].map((score) => score + 0))].sort((a, b) => b - a);
  return thresholds.map((threshold) => {
    const falsePositives = id.filter((score) => score >= threshold).length;
    const truePositives = ood.filter((score) => score >= threshold).length;
    return { falsePositives, truePositives, recall: truePositives / ood.length, fpr: falsePositives / id.length };
  });
}

const scores = fc
  .array(fc.oneof(fc.integer({ min: -4, max: 4 }), fc.double({ noNaN: true, noDefaultInfinity: true })), {
    minLength: 1,
    maxLength: 25,
  })
  .map((values) => Float64Array.from(values));
const level = fc.oneof(fc.constantFrom(0.1, 0.5, 0.95, 1), fc.double({ min: 0.01, max: 1, noNaN: true }));

test("AUROC is the share of pairs in the right order, ties counted 1/2", () => {
  fc.assert(
    fc.property(scores, scores, (id, ood) => {
      let pairs = 0;
      for (const a of id) for (const b of ood) pairs += b > a ? 1 : b === a ? 0.5 : 0;
      expect(detectionMetrics(id, ood, { preset: "official" }).auroc).toBe(pairs / (id.length * ood.length));
    }),
  );
});

test("average precision is the sum of precision times the gain in recall over the distinct thresholds", () => {
  fc.assert(
    fc.property(scores, scores, (id, ood) => {
      let previous = 0;
      let expected = 0;
      for (const { recall, truePositives, falsePositives } of curve(id, ood)) {
        expected += (recall - previous) * (truePositives / (truePositives + falsePositives));
        previous = recall;
      }
      expect(Math.abs(detectionMetrics(id, ood, { preset: "official" }).aupr - expected)).toBeLessThan(1e-12);
    }),
  );
});

test("the nearest recall is nearest, and the lowest threshold with it is taken, or the highest that finds all", () => {
  fc.assert(
    fc.property(scores, scores, level, (id, ood, recallLevel) => {
      const points = curve(id, ood);
      const complete = points.findIndex(({ recall }) => recall === 1);
      const candidates = points.slice(0, complete + 1).reverse();
      const distances = candidates.map(({ recall }) => Math.abs(recall - recallLevel));
      const expected = candidates[distances.indexOf(Math.min(...distances))]?.fpr;
      expect(fprNearestRecall(rankScores(id, ood), recallLevel)).toBe(expected);
    }),
  );
});

test("without ties between the sets, the FPR at a reached recall is that of the first threshold that reaches it", () => {
  fc.assert(
    fc.property(scores, scores, level, (id, ood, recallLevel) => {
      const apart = ood.filter((score) => !id.includes(score));
      fc.pre(apart.length > 0);
      const expected = curve(id, apart).find(({ recall }) => recall >= recallLevel)?.fpr;
      expect(fprReachingRecall(rankScores(id, apart), recallLevel)).toBe(expected);
    }),
  );
});

test("the first threshold that reaches the recall is taken whatever is tied", () => {
  fc.assert(
    fc.property(scores, scores, level, (id, ood, recallLevel) => {
      const expected = curve(id, ood).find(({ recall }) => recall >= recallLevel)?.fpr;
      expect(fprFirstReachingRecall(rankScores(id, ood), recallLevel)).toBe(expected);
    }),
  );
});

test("float32 scores rank as the same numbers in float64, whatever their signs and sizes", () => {
  const float32 = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(float32, float32, (id, ood) => {
      const narrow = rankScores(Float32Array.from(id), Float32Array.from(ood));
      const wide = rankScores(Float64Array.from(id), Float64Array.from(ood));
      expect(Array.from(narrow.thresholds)).toEqual(Array.from(wide.thresholds));
      expect(narrow.idCounts).toEqual(wide.idCounts);
      expect(narrow.oodCounts).toEqual(wide.oodCounts);
      expect(narrow.thresholds).toBeInstanceOf(Float32Array);
    }),
  );
});

test("float32 scores in a part of a larger buffer are ranked without their neighbours", () => {
  const buffer = Float32Array.of(99, 3, 1, 2, 99);
  const ranking = rankScores(buffer.subarray(1, 4), Float32Array.of(2));
  expect(Array.from(ranking.thresholds)).toEqual([3, 2, 1]);
  expect(Array.from(buffer)).toEqual([99, 3, 1, 2, 99]);
});

test("a float32 and a float64 set are compared as numbers, not after rounding", () => {
  const { auroc } = detectionMetrics(Float32Array.of(0.1), Float64Array.of(0.1), { preset: "official" });
  expect(auroc).toBe(0); // the float32 nearest to 0.1 is above the float64 nearest to it
});

test("-0 and +0 are one threshold, reported as 0", () => {
  for (const array of [Float32Array, Float64Array]) {
    const ranking = rankScores(array.of(-0, 0), array.of(0, -0));
    expect(Array.from(ranking.thresholds)).toEqual([0]);
    expect(Array.from(ranking.idCounts)).toEqual([2]);
  }
});

test("a score of -0 alone is reported as the threshold 0", () => {
  for (const array of [Float32Array, Float64Array]) {
    expect(Array.from(rankScores(array.of(-0), array.of(-1)).thresholds)).toEqual([0, -1]);
  }
});

test("thresholds without scores, as a resample has them, change no metric", () => {
  const count = fc.integer({ min: 0, max: 2 });
  const steps = fc.array(fc.tuple(count, count), { minLength: 1, maxLength: 12 });
  const total = (counts: Uint32Array) => counts.reduce((sum, value) => sum + value, 0);
  const rankingOf = (points: readonly (readonly [number, number])[]): Ranking => {
    const idCounts = Uint32Array.from(points, ([id]) => id);
    const oodCounts = Uint32Array.from(points, ([, ood]) => ood);
    const thresholds = Float64Array.from(points, (_, index) => -index);
    return { thresholds, idCounts, oodCounts, idTotal: total(idCounts), oodTotal: total(oodCounts) };
  };
  fc.assert(
    fc.property(steps, level, (points, recallLevel) => {
      const padded = rankingOf(points);
      const dense = rankingOf(points.filter(([id, ood]) => id + ood > 0));
      fc.pre(dense.idTotal > 0 && dense.oodTotal > 0);
      for (const preset of presetNames) {
        const { auroc, aupr, fpr } = presets[preset];
        expect(auroc(padded)).toBe(auroc(dense));
        expect(aupr(padded)).toBe(aupr(dense));
        expect(fpr(padded, recallLevel)).toBe(fpr(dense, recallLevel));
      }
    }),
    {
      numRuns: 500,
      // Equal steps, interrupted; a tie at the top after a threshold that was not drawn.
      examples: [
        [
          [
            [1, 1],
            [1, 1],
            [0, 0],
            [1, 1],
            [1, 1],
          ],
          0.5,
        ],
        [
          [
            [0, 0],
            [1, 1],
          ],
          0.1,
        ],
      ],
    },
  );
});

test("scores that are not finite are refused with their number, the first index and the set", () => {
  const good = Float32Array.of(1, 2);
  const bad = Float64Array.of(1, 2, Number.NaN, 3, -Infinity);
  expect(() => detectionMetrics(good, bad, { preset: "official" })).toThrow(DataError);
  expect(() => detectionMetrics(good, bad, { preset: "official" })).toThrow(
    /^out-of-distribution scores: expected finite scores, got 2 of 5 not finite, the first at index 2 \(NaN\)/,
  );
  expect(() => detectionMetrics(Float32Array.of(Infinity), good, { preset: "official" })).toThrow(
    /^in-distribution scores: .*1 of 1 not finite, the first at index 0 \(Infinity\)/,
  );
});

test("an empty set is refused by name", () => {
  const good = Float32Array.of(1);
  const empty = new Float32Array();
  expect(() => rankScores(empty, good)).toThrow(/^in-distribution scores: expected at least one score, got none/);
  expect(() => rankScores(good, empty)).toThrow(/^out-of-distribution scores: expected at least one score, got none/);
});

test.each([0, -0.5, 1.01, Number.NaN])("recall level %s is refused by every rule", (recallLevel) => {
  const ranking = rankScores(Float32Array.of(1), Float32Array.of(2));
  for (const preset of presetNames) expect(() => presets[preset].fpr(ranking, recallLevel)).toThrow(OptionError);
});
