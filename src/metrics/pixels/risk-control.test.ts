import { describe, expect, test } from "vitest";
import { createGenerator, normal } from "../../data/index.js";
import { DataError, OptionError } from "../../errors.js";
import { conformalThreshold } from "../conformal.js";
import { alarmLevel, largestComponent } from "./alarm-level.js";
import { nextAbove, PixelRisk } from "./risk-control.js";

const [height, width] = [6, 8];
const pixels = height * width;

/** Images as they are in practice: pixels of one image share a shift, and one image in ten is strange in a large part. */
function population(count: number, seed: number): Float32Array[] {
  const generator = createGenerator(seed);
  return Array.from({ length: count }, (_, image) => {
    const own = generator.fork(String(image));
    const shift = normal(own);
    const strange = own.uniform() < 0.1 ? own.uniform() : 0;
    return Float32Array.from(
      { length: pixels },
      (_, at) => -8 + shift + 0.3 * normal(own) + (at < strange * pixels ? 6 : 0),
    );
  });
}

const known = new Uint8Array(pixels);
const shareAt = (scores: Float32Array, threshold: number) =>
  scores.reduce((sum, score) => sum + (score >= threshold ? 1 : 0), 0) / scores.length;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** Of the mean. */
const error = (values: readonly number[]) =>
  Math.sqrt(values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1) / values.length);

function controlled(images: readonly Float32Array[], alpha: number) {
  const risk = new PixelRisk();
  for (const scores of images) risk.add(scores, known);
  return risk.threshold(alpha);
}

const splits = 200;

/** For each of many splits of new images: what happens on images that the threshold was not found on. */
function overSplits(count: number, measure: (calibration: Float32Array[], fresh: Float32Array[]) => number): number[] {
  return Array.from({ length: splits }, (_, split) => {
    const images = population(count + 40, split);
    return measure(images.slice(0, count), images.slice(count));
  });
}

describe("the share of flagged pixels", () => {
  test.each([
    [30, 0.1],
    [60, 0.05],
    [19, 0.05],
  ])(
    "over 200 splits, %i images keep the mean share on fresh images at or below %f, and not far below",
    (count, alpha) => {
      const found = overSplits(count, (calibration, fresh) => {
        const { threshold } = controlled(calibration, alpha);
        return mean(fresh.map((scores) => shareAt(scores, threshold)));
      });
      expect(mean(found)).toBeLessThanOrEqual(alpha + 2 * error(found));
      // Theorem 2 of the paper: no more than 2B/(n + 1) is given away.
      expect(mean(found)).toBeGreaterThanOrEqual(alpha - 2 / (count + 1) - 2 * error(found));
    },
  );

  test("the share that pooled pixels promise is not kept: pixels are not exchangeable, images are", () => {
    const [count, alpha] = [20, 0.05];
    const found = overSplits(count, (calibration, fresh) => {
      const pooled = Float32Array.from(calibration.flatMap((scores) => [...scores]));
      const { threshold } = conformalThreshold(pooled, alpha);
      return mean(fresh.map((scores) => shareAt(scores, nextAbove(threshold))));
    });
    expect(mean(found)).toBeGreaterThan(alpha + 2 * error(found));
  });

  test("the threshold is the lowest of its grid that the inequality allows, and within 1/8192 of the exact one", () => {
    for (const alpha of [0.04, 0.1, 0.5]) {
      const images = population(40, 7);
      const { threshold, share, count } = controlled(images, alpha);
      const risk = (at: number) => (images.reduce((sum, scores) => sum + shareAt(scores, at), 0) + 1) / (count + 1);
      expect(risk(threshold)).toBeLessThanOrEqual(alpha);
      expect(share).toBeCloseTo(mean(images.map((scores) => shareAt(scores, threshold))), 12);
      const refused = Math.max(...images.flatMap((scores) => [...scores]).filter((score) => risk(score) > alpha));
      expect(threshold).toBeGreaterThan(refused);
      expect(threshold).toBeLessThanOrEqual(refused + Math.abs(refused) / 8192);
    }
  });

  test("every image counts alike, however many of its pixels are void; of one without any known pixel nothing is flagged", () => {
    const risk = new PixelRisk();
    const half = known.map((_, at) => (at % 2 === 0 ? 255 : 0));
    const scores = Float32Array.from({ length: pixels }, (_, at) => at);
    risk.add(scores, half);
    risk.add(scores, known);
    risk.add(scores, new Uint8Array(pixels).fill(255));
    const { threshold, share, count } = risk.threshold(0.5);
    // (2 · 1/2 + 1) / 4 = 0.5: half of the pixels of both.
    expect(count).toBe(3);
    expect(share).toBeCloseTo(1 / 3, 12);
    expect(threshold).toBeGreaterThan(23);
    expect(threshold).toBeLessThan(23 * (1 + 1 / 8192));
  });

  test("too few images are refused with the number that is needed; so are an alpha out of range and scores that are not finite", () => {
    const images = population(18, 1);
    expect(() => controlled(images, 0.05)).toThrow("expected at least 19 for a rate of 0.05, got 18");
    expect(() => controlled(images, 0.05)).toThrow(DataError);
    expect(() => controlled(images, 0)).toThrow(OptionError);
    expect(() => new PixelRisk().add(new Float32Array(pixels).fill(Number.NaN), known, "a.png")).toThrow("a.png");
    const highest = Math.max(...population(19, 1).flatMap((scores) => [...scores]));
    expect(controlled(population(19, 1), 0.05).threshold).toBeGreaterThan(highest);
  });
});

describe("images with a false alarm", () => {
  test("over 200 splits, at most alpha of the fresh images have a component of more than 3 pixels", () => {
    const [count, alpha, largest] = [40, 0.1, 3];
    const found = overSplits(count, (calibration, fresh) => {
      const levels = Float32Array.from(calibration, (scores) => alarmLevel(scores, known, width, largest));
      const threshold = nextAbove(conformalThreshold(levels, alpha).threshold);
      const alarms = fresh.map((scores) => {
        const flagged = Uint8Array.from(scores, (score) => (score >= threshold ? 1 : 0));
        return largestComponent(flagged, width) > largest ? 1 : 0;
      });
      return mean(alarms);
    });
    expect(mean(found)).toBeLessThanOrEqual(alpha + 2 * error(found));
    expect(mean(found)).toBeGreaterThanOrEqual(alpha - 1 / (count + 1) - 2 * error(found));
  });

  test("the level is the highest score for single pixels, and that of the pixel that makes a component too large", () => {
    // Two pixels that touch at a corner, and one apart; void in between joins nothing.
    const scores = Float32Array.of(5, 0, 0, 0, 3, 0, 4, 0, 0);
    const mask = new Uint8Array(9);
    expect(alarmLevel(scores, mask, 3, 0)).toBe(5);
    expect(alarmLevel(scores, mask, 3, 1)).toBe(3);
    expect(alarmLevel(scores, mask, 3, 3)).toBe(0);
    expect(alarmLevel(scores, mask, 3, 9)).toBe(-3.4028234663852886e38);
    mask[4] = 255;
    expect(alarmLevel(scores, mask, 3, 1)).toBe(0);
    expect(() => alarmLevel(scores, mask, 3, -1)).toThrow(OptionError);
  });

  test("a level is where brute force over all scores puts it", () => {
    for (const scores of population(20, 3)) {
      for (const largest of [0, 2, 10]) {
        const isQuiet = (level: number) =>
          largestComponent(
            Uint8Array.from(scores, (score) => (score > level ? 1 : 0)),
            width,
          ) <= largest;
        const expected = [...scores].sort((a, b) => a - b).find(isQuiet);
        expect(alarmLevel(scores, known, width, largest)).toBe(expected);
      }
    }
  });
});
