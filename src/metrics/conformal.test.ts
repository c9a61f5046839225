import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createGenerator, type Generator } from "../data/random.js";
import { DataError, OptionError } from "../errors.js";
import { conformalPValues, conformalThreshold, falseAlarmBound } from "./conformal.js";

/** Box and Muller, 1958. */
function normal(generator: Generator): number {
  return Math.sqrt(-2 * Math.log(1 - generator.uniform())) * Math.cos(2 * Math.PI * generator.uniform());
}

/** 1 to n in an order that is not ascending. */
const shuffled = (n: number) => Float64Array.from(createGenerator(n).permutation(n), (value) => value + 1);

/** Whole numbers in a small range, so that most of them are tied. */
const tied = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 2, maxLength: 40 });
const distinct = fc.uniqueArray(fc.integer(), { minLength: 2, maxLength: 40 });

/** Every score in turn as the new one, the others as calibration set: what exchangeability says is equally likely. */
const leaveOneOut = (values: readonly number[]) =>
  values.map((fresh, index) => ({ fresh, calibration: Float64Array.from(values.toSpliced(index, 1)) }));

describe("conformalThreshold", () => {
  test.each([
    { n: 9, alpha: 0.1, rank: 9 },
    { n: 10, alpha: 0.1, rank: 10 },
    { n: 19, alpha: 0.1, rank: 18 },
    { n: 20, alpha: 0.1, rank: 19 },
    { n: 99, alpha: 0.01, rank: 99 },
    { n: 1000, alpha: 0.05, rank: 951 },
    { n: 4, alpha: 0.99, rank: 1 },
  ])("of 1 to $n at $alpha is the score of rank $rank", ({ n, alpha, rank }) => {
    expect(conformalThreshold(shuffled(n), alpha)).toEqual({ threshold: rank, alpha, count: n, rank });
  });

  test("the rank is that of the decimal number the reader wrote, not of its rounded product", () => {
    for (let n = 1; n <= 100; n++) {
      const scores = shuffled(n);
      const thousandths = Array.from({ length: 999 }, (_, index) => index + 1).filter((k) => (n + 1) * k >= 1000);
      const ranks = thousandths.map((k) => conformalThreshold(scores, k / 1000).rank);
      // The whole number (n + 1) k is exact, and so the floor of its thousandth.
      expect(ranks).toEqual(thousandths.map((k) => n + 1 - Math.floor(((n + 1) * k) / 1000)));
    }
  });

  test("leaves the scores in their order, and float32 scores as they are", () => {
    const scores = Float32Array.of(0.3, 0.1, 0.2);
    expect(conformalThreshold(scores, 0.5).threshold).toBe(Math.fround(0.2));
    expect(scores).toEqual(Float32Array.of(0.3, 0.1, 0.2));
  });

  test("a threshold among ties raises no alarm for any of them", () => {
    const { threshold, rank } = conformalThreshold(Float64Array.of(1, 2, 2, 2, 2, 2, 2, 2, 3), 0.3);
    // One score of nine lies above, though the rate allows two.
    expect({ threshold, rank }).toEqual({ threshold: 2, rank: 7 });
  });

  test("false alarms of exchangeable scores are the floor of (n + 1) alpha in n + 1, exactly", () => {
    const holds = fc.property(distinct, fc.integer({ min: 1, max: 99 }), (values, percent) => {
      const total = values.length;
      fc.pre(total * percent >= 100);
      const alarms = leaveOneOut(values).filter(
        ({ fresh, calibration }) => fresh > conformalThreshold(calibration, percent / 100).threshold,
      );
      expect(alarms).toHaveLength(Math.floor((total * percent) / 100));
    });
    fc.assert(holds);
  });

  test("ties make false alarms rarer, never more frequent", () => {
    const holds = fc.property(tied, fc.integer({ min: 1, max: 99 }), (values, percent) => {
      const total = values.length;
      fc.pre(total * percent >= 100);
      const alarms = leaveOneOut(values).filter(
        ({ fresh, calibration }) => fresh > conformalThreshold(calibration, percent / 100).threshold,
      );
      expect(alarms.length).toBeLessThanOrEqual(Math.floor((total * percent) / 100));
    });
    fc.assert(holds);
  });

  test.each([
    [0.1, 9],
    [0.05, 19],
    [0.03, 33],
    [0.01, 99],
    [0.001, 999],
    // 1 / (1/49) is 49.00000000000001.
    [1 / 49, 48],
    [0.7, 1],
  ])("at %d, %d scores are enough and one less is refused with that number", (alpha, needed) => {
    expect(conformalThreshold(shuffled(needed), alpha).rank).toBe(needed);
    if (needed === 1) return;
    expect(() => conformalThreshold(shuffled(needed - 1), alpha)).toThrow(DataError);
    expect(() => conformalThreshold(shuffled(needed - 1), alpha)).toThrow(
      `calibration scores: expected at least ${needed} for a false-alarm rate of ${alpha}, got ${needed - 1}; `,
    );
  });

  test.each([0, 1, -0.1, 1.5, Number.NaN, Infinity])("a rate of %d is refused", (alpha) => {
    expect(() => conformalThreshold(shuffled(20), alpha)).toThrow(OptionError);
    expect(() => conformalThreshold(shuffled(20), alpha)).toThrow(
      /^calibration: expected a false-alarm rate in \(0, 1\)/,
    );
  });

  test.each([Number.NaN, Infinity, -Infinity])("a score of %d is refused", (score) => {
    const scores = shuffled(20).with(7, score);
    expect(() => conformalThreshold(scores, 0.1)).toThrow(/^calibration scores: expected finite scores, .*index 7/);
  });

  test("no scores are refused", () => {
    expect(() => conformalThreshold(new Float32Array(0), 0.1)).toThrow(DataError);
  });
});

describe("conformalPValues", () => {
  test("counts calibration scores that are at least as high, equal ones included", () => {
    const calibration = Float32Array.of(2, 1, 2, 4);
    const scores = Float64Array.of(0, 1, 1.5, 2, 3, 4, 5);
    expect(Array.from(conformalPValues(calibration, scores), (p) => p * 5)).toEqual([5, 5, 4, 4, 2, 2, 1]);
    expect(calibration).toEqual(Float32Array.of(2, 1, 2, 4));
  });

  test("-0 and +0 are equal", () => {
    expect(conformalPValues(Float64Array.of(0, -0), Float64Array.of(-0, 0))).toEqual(Float64Array.of(1, 1));
  });

  test("a float64 score is not rounded to float32 calibration scores", () => {
    const calibration = Float32Array.of(0.1);
    expect(conformalPValues(calibration, Float64Array.of(0.1, Math.fround(0.1), 0.1000001))).toEqual(
      Float64Array.of(1, 1, 0.5),
    );
  });

  test("are uniform on 1/(n + 1) to 1 over exchangeable scores without ties", () => {
    const holds = fc.property(distinct, (values) => {
      const pValues = leaveOneOut(values).map(
        ({ fresh, calibration }) => conformalPValues(calibration, Float64Array.of(fresh))[0] as number,
      );
      expect(pValues.sort((a, b) => a - b)).toEqual(values.map((_, index) => (index + 1) / values.length));
    });
    fc.assert(holds);
  });

  test("with ties are at most α with a probability of at most α", () => {
    const holds = fc.property(tied, (values) => {
      const pValues = leaveOneOut(values).map(
        ({ fresh, calibration }) => conformalPValues(calibration, Float64Array.of(fresh))[0] as number,
      );
      for (const alpha of pValues) {
        expect(pValues.filter((p) => p <= alpha).length / values.length).toBeLessThanOrEqual(alpha);
      }
    });
    fc.assert(holds);
  });

  // Why: with t of rank r, a score s > t has at most n - r calibration scores at or above it, and a score s ≤ t at least
  // n - r + 1, those of rank r to n, whether they are equal or not. And n + 1 - r is the largest k with k/(n + 1) ≤ alpha.
  test.each([
    ["without ties", distinct],
    ["with ties", tied],
  ])("%s, p ≤ alpha exactly when the score is above the threshold", (_, arbitrary) => {
    const rates = fc.oneof(
      fc.integer({ min: 1, max: 99 }).map((percent) => percent / 100),
      fc.double({ min: 0.03, max: 0.97, noNaN: true }),
      // What floating point makes of 0.1 and 0.3.
      fc.constantFrom(1 - 0.9, 0.1 + 0.2, 1 / 3),
    );
    const holds = fc.property(arbitrary, rates, (values, alpha) => {
      const calibration = Float64Array.from(values);
      fc.pre(1 / (calibration.length + 1) <= alpha);
      const { threshold } = conformalThreshold(calibration, alpha);
      const scores = Float64Array.from(values.flatMap((value) => [value - 0.5, value, value + 0.5]));
      conformalPValues(calibration, scores).forEach((p, index) => {
        expect(p <= alpha).toBe((scores[index] as number) > threshold);
      });
    });
    fc.assert(holds, { numRuns: 500 });
  });

  test("sets that are empty or not finite are refused by name", () => {
    const fine = Float64Array.of(1, 2);
    expect(() => conformalPValues(Float64Array.of(1, Number.NaN), fine)).toThrow(/^calibration scores: /);
    expect(() => conformalPValues(fine, Float64Array.of(Infinity))).toThrow(/^scores: /);
    expect(() => conformalPValues(new Float64Array(0), fine)).toThrow(DataError);
    expect(() => conformalPValues(fine, new Float64Array(0))).toThrow(DataError);
  });
});

describe("falseAlarmBound", () => {
  test("of the largest of n scores is 1 - (1 - confidence)^(1/n)", () => {
    // All n scores lie below a point that is exceeded at rate x with probability (1 - x)^n.
    for (const count of [1, 19, 500]) {
      expect(falseAlarmBound({ count, rank: count, confidence: 0.95 })).toBeCloseTo(1 - 0.05 ** (1 / count), 14);
    }
  });

  test("comes down to the rate as calibration sets grow", () => {
    const bounds = [100, 1000, 100_000].map((n) => {
      const { count, rank } = conformalThreshold(shuffled(n), 0.05);
      return falseAlarmBound({ count, rank, confidence: 0.95 });
    });
    // scipy.stats.beta.ppf(0.95, a, b) of Beta(5, 96), Beta(50, 951) and Beta(5000, 95001).
    const reference = [0.08919625015887987, 0.061758578828174114, 0.05113821476800774];
    expect(bounds).toEqual(reference.map((bound) => expect.closeTo(bound, 12)));
  });

  test.each([
    { count: 10, rank: 0, confidence: 0.95 },
    { count: 10, rank: 11, confidence: 0.95 },
    { count: 10, rank: 1.5, confidence: 0.95 },
    { count: Infinity, rank: 1, confidence: 0.95 },
    { count: Number.NaN, rank: 1, confidence: 0.95 },
    { count: 0, rank: 0, confidence: 0.95 },
    { count: 10, rank: 9, confidence: 0 },
    { count: 10, rank: 9, confidence: 1 },
    { count: 10, rank: 9, confidence: Number.NaN },
  ])("%o is refused", (options) => {
    expect(() => falseAlarmBound(options)).toThrow(OptionError);
  });
});

describe("over 200 random splits of 4,000 scores", () => {
  // Skewed as energies are: most images are clear, some are not.
  const random = createGenerator(2005);
  const scores = Float64Array.from({ length: 4000 }, () =>
    random.uniform() < 0.85 ? -16 + 3 * normal(random) : -9 + 2 * normal(random),
  );
  const count = 400;
  const fresh = scores.length - count;
  const splits = 200;

  const rates = (alpha: number) =>
    Array.from({ length: splits }, (_, split) => {
      const order = createGenerator(2012).fork(split).permutation(scores.length);
      const shuffledScores = Float64Array.from(order, (index) => scores[index] as number);
      const { threshold, rank } = conformalThreshold(shuffledScores.subarray(0, count), alpha);
      const alarms = shuffledScores.subarray(count).filter((score) => score > threshold).length;
      return { rank, rate: alarms / fresh };
    });

  // Without ties only ranks matter, so every split of the same 4,000 scores draws its number of alarms anew from the
  // Beta-binomial distribution of m fresh scores, a = n + 1 - rank and b = rank: a rate from Beta(a, b), then m draws with
  // it. Its mean is a/(n + 1) =: μ, which lies in (alpha - 1/(n + 1), alpha]. Its variance is
  // m μ(1 - μ)(a + b + m)/(a + b + 1), so that of the rate is μ(1 - μ)(n + 1 + m)/((n + 2) m), and the mean of 200 rates has
  // the standard error √(variance / 200). The tolerance is three of them, at μ = alpha, where the variance is not less.
  test.each([0.01, 0.05, 0.1])("the mean false-alarm rate is %d", (alpha) => {
    const observed = rates(alpha);
    const mean = observed.reduce((sum, { rate }) => sum + rate, 0) / splits;
    const variance = (alpha * (1 - alpha) * (count + 1 + fresh)) / ((count + 2) * fresh);
    const tolerance = 3 * Math.sqrt(variance / splits);
    expect(mean).toBeGreaterThan(alpha - 1 / (count + 1) - tolerance);
    expect(mean).toBeLessThan(alpha + tolerance);
  });

  // The bound is one for the rate over all images to come. Over 3,600 of them the rate spreads wider by a factor of
  // √((n + 1 + m)/m) = 1.05, which makes about 6 % of 5 %: well within three standard errors of a share of 200, 4.6 %.
  test.each([0.01, 0.05, 0.1])("at %d, about one split in twenty exceeds the bound of 0.95 confidence", (alpha) => {
    const observed = rates(alpha);
    const exceeding = observed.filter(({ rate, rank }) => rate > falseAlarmBound({ count, rank, confidence: 0.95 }));
    expect(exceeding.length / splits).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / splits));
    // A bound that is never exceeded would be no quantile.
    expect(exceeding.length).toBeGreaterThan(0);
  });
});
