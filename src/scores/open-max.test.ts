import { expect, test } from "vitest";
import { casesOf, expectReference, fitData } from "../../test/reference/posthoc.js";
import { fitTo, headOf, scoreOne } from "../../test/reference/tiny-scores.js";
import { DataError, OptionError } from "../errors.js";
import type { FitData } from "./index.js";
import { openMaxScore } from "./open-max.js";

test.each(casesOf("openmax"))("equals SciPy's float64 values on real logits with $options", async (stored) => {
  // A score of 1e-13 is exp of a difference of logits, -30, of which one is itself a sum of differences.
  await expectReference(openMaxScore, stored, { termSize: 1e-3 });
});

test.each(casesOf("openmax"))("shapes and scales are SciPy's", async (stored) => {
  const fitted = openMaxScore.fit?.(await fitData(), { tail: 20, alpha: 0 }) ?? {};
  for (const name of ["shape", "scale"]) {
    const expected = stored.fitted[name] as number[];
    // The reference was fitted to logits before their rounding to float32.
    expected.forEach((value, label) => {
      expect((fitted[name]?.data[label] as number) / value).toBeCloseTo(1, 6);
    });
  }
});

const head = headOf([[0], [0]]);
const classes = {
  means: { dtype: "float64", dims: [2, 2], data: Float64Array.of(3, 0, 0, 3) },
  shape: { dtype: "float64", dims: [2], data: Float64Array.of(2, 1) },
  scale: { dtype: "float64", dims: [2], data: Float64Array.of(4, 5) },
} as const;
const score = (f: [number, number], alpha: number) =>
  scoreOne(openMaxScore, { head, z: [0], f }, { options: { alpha }, fitted: classes });

test("each class gives up what its distance and its rank say", async () => {
  // At f = (1, 3): distances √13 and 1; class 1 has rank 1, so ω = 1, and class 0 has ½.
  const [first, second] = [1 - Math.exp(-13 / 16), 1 - Math.exp(-1 / 5)];
  const given = [first / 2, 3 * second] as const;
  const powers = [1 - given[0], 3 - given[1], given[0] + given[1]].map(Math.exp) as [number, number, number];
  expect(await score([1, 3], 0)).toBeCloseTo(powers[2] / (powers[0] + powers[1] + powers[2]), 6);
  expect(await score([1, 3], 2)).toBe(await score([1, 3], 0));
});

test("an alpha of 1 revises the predicted class only", async () => {
  const given = 3 * (1 - Math.exp(-1 / 5));
  const powers = [1, 3 - given, given].map(Math.exp) as [number, number, number];
  expect(await score([1, 3], 1)).toBeCloseTo(powers[2] / (powers[0] + powers[1] + powers[2]), 6);
});

test("logits at the mean of their class give up nothing of it", async () => {
  expect(await score([0, 3], 1)).toBeCloseTo(1 / (2 + Math.exp(3)), 6);
});

/** `count` images of class 1, at distances 1, 2, ... from their mean to both sides, and as many of class 0. */
const images = (count: number, step = 1) =>
  fitTo(
    head,
    [0, 1].flatMap((y) =>
      Array.from({ length: y === 0 ? 4 : count }, (_, index) => {
        const away = (index % 2 === 0 ? 1 : -1) * (y === 0 ? 1 : step) * (1 + Math.floor(index / 2));
        return { z: [0], f: y === 0 ? [50 + away, 0] : [0, 50 + away], y };
      }),
    ),
  );
const fitTail = (data: FitData, options = {}) =>
  openMaxScore.fit?.(data, { ...openMaxScore.defaults, ...options }) ?? {};

test("the tail holds the largest distances to the mean", async () => {
  const { means, shape } = fitTail(await images(10), { tail: 3 });
  expect(means?.data).toEqual(Float64Array.of(50, 0, 0, 50));
  // Distances 5, 5, 4 of class 1 are closer to each other than 2, 2, 1 of class 0.
  expect(shape?.data[1]).toBeGreaterThan(2 * Number(shape?.data[0]));
});

test("a class with fewer than 3 correctly classified images is refused", async () => {
  const data = await images(2);
  expect(() => fitTail(data)).toThrow(DataError);
  expect(() => fitTail(data)).toThrow(
    "openmax score: expected at least 3 correctly classified images of class 1, got 2; fit to more images, or to a set that holds every class of the model",
  );
});

test("a class of equal logits is refused", async () => {
  const data = await images(4, 0);
  expect(() => fitTail(data)).toThrow(DataError);
  expect(() => fitTail(data)).toThrow(
    "openmax score, distances of class 1: expected distances > 0 that are not all the same, got 4 of 0; use more images, without duplicates",
  );
});

test("an alpha of more than all classes is refused", async () => {
  const data = await images(4);
  expect(() => fitTail(data, { alpha: 3 })).toThrow(OptionError);
  expect(() => fitTail(data, { alpha: 3 })).toThrow(
    "openmax score: expected an alpha of at most 2, the number of classes, got 3; use 0 for all classes",
  );
});

test.each([
  [{ tail: 2, alpha: 0 }, "openmax score: expected a tail of 3 or more, got 2"],
  [{ tail: 20, alpha: -1 }, "openmax score: expected alpha to be a whole number ≥ 0, got -1"],
  [{ tail: 20, alpha: 0.5 }, "openmax score: expected alpha to be a whole number ≥ 0, got 0.5"],
])("%j is refused", (options, sentence) => {
  expect(() => openMaxScore.check?.(options)).toThrow(OptionError);
  expect(() => openMaxScore.check?.(options)).toThrow(sentence);
});
