import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { congruential, generated, imagesOf, type MaskedMap, reference } from "../../../test/reference/pixel-metrics.js";
import { DataError, ShapeError } from "../../errors.js";
import { presetMetrics } from "../detection-metrics.js";
import { type PresetName, presets } from "../presets.js";
import { type Ranking, rankScores } from "../ranking.js";
import { rocCurve } from "../roc-curve.js";
import { bestF1 } from "../segmentation/best-f1.js";
import { PixelRanking } from "./pixel-ranking.js";

const presetNames = Object.keys(presets) as PresetName[];

function pooled(images: readonly MaskedMap[]): PixelRanking {
  const pixels = new PixelRanking();
  for (const { scores, mask } of images) pixels.add(scores, mask);
  return pixels;
}

/** The existing way: both kinds in an array each. */
function ranked(images: readonly MaskedMap[]): Ranking {
  const ofKind = (kind: number) =>
    Float32Array.from(images.flatMap(({ scores, mask }) => [...scores.filter((_, index) => mask[index] === kind)]));
  return rankScores(ofKind(0), ofKind(1));
}

describe.each(reference.pixels)("a million pixels of $distinct different scores", (example) => {
  const ranking = pooled(imagesOf(generated(example.shift))).ranking();

  test.each(presetNames)("%s: AUROC, AUPR and FPR95 equal scikit-learn's", (preset) => {
    const metrics = presetMetrics(preset);
    const expected = example.pooled[preset];
    expect(Math.abs(metrics.auroc(ranking) - expected.auroc)).toBeLessThan(1e-12);
    expect(Math.abs(metrics.aupr(ranking) - expected.aupr)).toBeLessThan(1e-12);
    expect(metrics.fpr95(ranking)).toBe(expected.fpr95);
  });

  test("every pixel that is not void is counted once", () => {
    expect([ranking.idTotal, ranking.oodTotal]).toEqual([example.n_id, example.n_ood]);
    expect(ranking.thresholds).toHaveLength(example.distinct);
    for (const [counts, total] of [
      [ranking.idCounts, example.n_id],
      [ranking.oodCounts, example.n_ood],
    ] as const) {
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total);
    }
  });

  test("the best F1 is at scikit-learn's threshold", () => {
    const { threshold, f1 } = bestF1(ranking);
    expect(threshold).toBe(example.best_f1.threshold);
    expect(Math.abs(f1 - example.best_f1.f1)).toBeLessThan(1e-12);
  });
});

const score = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1, -1, 1.5, 1 + 2 ** -23),
  fc.integer({ min: -3, max: 3 }),
);
const pixel = fc.tuple(score, fc.constantFrom(0, 0, 0, 1, 255, 2));
const map = fc.array(pixel, { maxLength: 40 }).map(
  (pixels): MaskedMap => ({
    scores: Float32Array.from(pixels, ([value]) => value),
    mask: Uint8Array.from(pixels, ([, kind]) => kind),
  }),
);
/** Images with at least one pixel of either kind between them. */
const images = fc
  .array(map, { minLength: 1, maxLength: 4 })
  .filter((maps) => [0, 1].every((kind) => maps.some(({ mask }) => mask.includes(kind))));

test("the ranking is that of all scores in two arrays", () => {
  fc.assert(
    fc.property(images, (maps) => {
      expect(pooled(maps).ranking()).toEqual(ranked(maps));
    }),
  );
});

test("neither the order of the images nor where they are cut changes anything", () => {
  fc.assert(
    fc.property(images, fc.integer({ min: 1, max: 7 }), (maps, piece) => {
      const cut = maps.flatMap(({ scores, mask }) =>
        Array.from({ length: Math.ceil(scores.length / piece) }, (_, index) => {
          const range = [index * piece, (index + 1) * piece] as const;
          return { scores: scores.subarray(...range), mask: mask.subarray(...range) };
        }),
      );
      expect(pooled(cut.reverse()).ranking()).toEqual(pooled(maps).ranking());
    }),
  );
});

/** Every number that Offmap computes from a ranking. */
const numbersOf = (ranking: Ranking) => [
  ...presetNames.flatMap((name) => {
    const { auroc, aupr, fpr } = presets[name];
    return [auroc(ranking), aupr(ranking), ...[0.05, 0.5, 0.8, 0.95, 1].map((level) => fpr(ranking, level))];
  }),
  bestF1(ranking),
];

test("joining thresholds without an outlier pixel changes no metric, no rule and no corner of the ROC curve", () => {
  fc.assert(
    fc.property(images, (maps) => {
      const pixels = pooled(maps);
      const [all, joined] = [pixels.ranking(), pixels.ranking({ maxThresholds: 0 })];
      expect(joined.thresholds.length).toBeLessThanOrEqual(
        2 * new Set(all.thresholds.filter((_, i) => all.oodCounts[i])).size + 1,
      );
      expect([joined.idTotal, joined.oodTotal]).toEqual([all.idTotal, all.oodTotal]);
      expect(numbersOf(joined)).toEqual(numbersOf(all));
      expect(rocCurve(joined, 1000)).toEqual(rocCurve(all, 1000));
    }),
    { numRuns: 100 },
  );
});

test("a ranking that outgrows the limit on the way is joined from its start", () => {
  const next = congruential(5);
  const scores = Float32Array.from({ length: 60_000 }, () => Math.exp(-40 * (next() / 2 ** 32)));
  const mask = Uint8Array.from(scores, () => (next() >>> 24 < 3 ? 1 : 0));
  const pixels = pooled([{ scores, mask }]);
  const joined = pixels.ranking({ maxThresholds: 20_000 });
  expect(joined).toEqual(pixels.ranking({ maxThresholds: 0 }));
  expect(joined.thresholds.length).toBeLessThan(2000);
  expect(numbersOf(joined)).toEqual(numbersOf(pixels.ranking()));
});

test("a pile is counted right while it is a list, when it becomes a table, and after that", () => {
  const next = congruential(7);
  const map = (length: number): MaskedMap => ({
    // All in the pile of 1 to 1 + 2^-7; and some in the next one.
    scores: Float32Array.from({ length }, () => 1 + (next() >>> 15) / 2 ** 23 / 1.9),
    mask: Uint8Array.from({ length }, () => next() >>> 31),
  });
  const parts = [map(131_071 * 2), map(4), map(100_000), map(300)];
  const pixels = new PixelRanking();
  parts.forEach(({ scores, mask }, index) => {
    pixels.add(scores, mask);
    expect(pixels.ranking()).toEqual(ranked(parts.slice(0, index + 1)));
  });
});

test("more pixels may follow a ranking", () => {
  const pixels = new PixelRanking();
  pixels.add(Float32Array.of(1, 2), Uint8Array.of(0, 1));
  const before = pixels.ranking();
  pixels.add(Float32Array.of(2, 3), Uint8Array.of(0, 0));
  expect(pixels.ranking().idCounts).toEqual(Uint32Array.of(1, 1, 1));
  expect(before.idCounts).toEqual(Uint32Array.of(0, 1));
});

test.each([
  ["NaN", Number.NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
])("%s is refused in a sentence that names the image, and leaves what was there", (written, bad) => {
  const pixels = new PixelRanking();
  pixels.add(Float32Array.of(1, 2), Uint8Array.of(0, 1));
  const add = (name?: string) => pixels.add(Float32Array.of(5, bad, 5), Uint8Array.of(0, 1, 255), name);
  expect(add).toThrow(DataError);
  expect(() => add("fs_static/0007.png")).toThrow(
    `fs_static/0007.png: expected finite scores, got 1 of 2 pixels not finite, the first at index 1 (${written}); the model or its input overflowed; look at this image`,
  );
  expect(() => add()).toThrow("image 1: expected finite scores");
  expect(pixels.ranking()).toEqual(rankScores(Float32Array.of(1), Float32Array.of(2)));
});

test("void pixels may hold anything", () => {
  const pixels = new PixelRanking();
  pixels.add(Float32Array.of(Number.NaN, 1, 2, Infinity), Uint8Array.of(255, 0, 1, 2));
  expect(pixels.ranking().thresholds).toEqual(Float32Array.of(2, 1));
});

test("a mask of another size, and a set without pixels of one kind, are refused", () => {
  const pixels = new PixelRanking();
  expect(() => pixels.add(new Float32Array(3), new Uint8Array(2), "a.png")).toThrow(ShapeError);
  expect(() => pixels.add(new Float32Array(3), new Uint8Array(2), "a.png")).toThrow(
    "a.png: expected a mask of 3 pixels, one per score, got 2",
  );
  pixels.add(new Float32Array(3), new Uint8Array(3));
  expect(() => pixels.ranking()).toThrow("outlier pixels: expected at least one, got none");
  const outliers = new PixelRanking();
  outliers.add(new Float32Array(1), Uint8Array.of(1));
  expect(() => outliers.ranking()).toThrow("in-distribution pixels: expected at least one, got none");
});
