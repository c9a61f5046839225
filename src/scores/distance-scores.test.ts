import { Matrix, solve } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { casesOf, expectReference, fitData } from "../../test/reference/posthoc.js";
import { fitTo, headOf, scoreOne } from "../../test/reference/tiny-scores.js";
import { createGenerator } from "../data/index.js";
import { DataError, OptionError } from "../errors.js";
import { hypersphericalMahalanobisScore } from "./hyperspherical-mahalanobis.js";
import { mahalanobisScore } from "./mahalanobis.js";
import { relativeMahalanobisScore } from "./relative-mahalanobis.js";
import type { ScoreDefinition } from "./types.js";

/** A relative distance is a length less a number of about 9 here: where they cancel to less than 1, the rounding errors of both are left, some 1e-6. */
const precision = new Map([["relative-mahalanobis", { tolerance: 1e-5, termSize: 1 }]]);
const all = [mahalanobisScore, relativeMahalanobisScore, hypersphericalMahalanobisScore];

describe.each(all)("$name", (score) => {
  test("the reference has a case of it", () => {
    expect(casesOf(score.name)).not.toHaveLength(0);
  });

  test.each(casesOf(score.name))("equals NumPy's float64 values on real features: $options", async (stored) => {
    await expectReference(score, stored, precision.get(score.name) ?? { tolerance: 2e-6 });
  });

  test("refuses a class without images, whose mean nobody knows", async () => {
    const data = await fitTo(head, cross(0));
    const fit = () => score.fit?.(data, { ridge: 0.1 });
    expect(fit).toThrow(DataError);
    expect(fit).toThrow(
      `${score.name} score: expected images of every class, 0 to 1, got none of class 1; ` +
        "fit it to more images of this class, or use a score without labels, such as knn",
    );
  });

  test("refuses images that do not vary within classes, even where rounding leaves a trace of variance", async () => {
    const same = [0.1, 0.2, 0.3].flatMap((x, y) => Array.from({ length: 3 }, () => ({ z: [x, 1 / 3 - x], y: y % 2 })));
    const data = await fitTo(head, [...same.slice(0, 3), ...same.slice(3, 6)]);
    const fit = () => score.fit?.(data, { ridge: 0.1 });
    expect(fit).toThrow(DataError);
    expect(fit).toThrow(
      `${score.name} score: expected images whose features differ within a class, got a covariance of zero; ` +
        "fit it to more images, or use a score of the logits, such as energy",
    );
  });

  test("refuses a singular covariance without a ridge, and takes it with one", async () => {
    const flat = [1, 2, 4, 8].map((x, at) => ({ z: [x, 0], y: at % 2 }));
    const images =
      score === hypersphericalMahalanobisScore ? flat.map(({ z: [x = 0], y }) => ({ z: [1, x - y], y })) : flat;
    const onLine = images.map(({ z: [x = 0, y = 0], y: label }) => ({ z: [x, y, 0], y: label }));
    const wide = headOf([
      [1, 0, 0],
      [0, 1, 0],
    ]);
    const data = await fitTo(wide, onLine);
    expect(() => score.fit?.(data, { ridge: 0 })).toThrow("got a singular covariance; fit it to more");
    const notes: string[] = [];
    expect(score.fit?.(data, { ridge: 0.25 }, (note) => notes.push(note)).mean?.dims).toEqual([3]);
    const still = score === hypersphericalMahalanobisScore ? 1 : 2;
    expect(notes).toEqual([
      `${score.name} score: the covariance is singular, as ${still} of 3 features do not vary within a class; the ridge of 0.25 stands in for the variance that is missing`,
    ]);
  });

  test("notes fewer images than a covariance needs, and nothing of enough", async () => {
    const noted = async (images: Parameters<typeof fitTo>[1]) => {
      const notes: string[] = [];
      score.fit?.(await fitTo(head, images), { ridge: 0.1 }, (note) => notes.push(note));
      return notes;
    };
    const three = [
      { z: [1, 3], y: 0 },
      { z: [4, 2], y: 0 },
      { z: [9, 5], y: 1 },
    ];
    expect(await noted(three)).toEqual([
      `${score.name} score: the covariance is singular, as 3 images of 2 classes vary along at most 1 of 2 dimensions; the ridge of 0.1 stands in for the variance that is missing`,
    ]);
    expect(await noted([...cross(0, 3), ...cross(1, 10)])).toEqual([]);
  });

  test("refuses features that are not finite", async () => {
    const images = [...cross(0), { z: [Number.NaN, 0], y: 1 }];
    const data = await fitTo(head, images);
    expect(() => score.fit?.(data, { ridge: 0.1 })).toThrow(
      "expected features that are finite numbers, got a total variance of NaN; check the model for infinities and NaN",
    );
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a ridge of %d", (ridge) => {
    const check = () => score.check?.({ ridge });
    expect(check).toThrow(OptionError);
    expect(check).toThrow(`${score.name} score: expected a ridge ≥ 0, got ${ridge}`);
  });
});

const head = headOf([
  [1, 0],
  [0, 1],
]);
/** Images of a class about (x, 0): variance ½ along the first axis and 2 along the second. */
const cross = (y: number, x = 10 * y) =>
  [
    [1, 0],
    [-1, 0],
    [0, 2],
    [0, -2],
  ].map(([dx = 0, dy = 0]) => ({ z: [x + dx, dy], y }));

const fitAndScore = async (score: ScoreDefinition<{ ridge: number }>, ridge: number, z: readonly number[]) => {
  const fitted = score.fit?.(await fitTo(head, [...cross(0), ...cross(1)]), { ridge }) ?? {};
  return await scoreOne(score, { head, z }, { fitted });
};

test("the distance is counted in variances, and to the nearest class", async () => {
  expect(await fitAndScore(mahalanobisScore, 0, [1, 2])).toBeCloseTo(1 / 0.5 + 4 / 2, 5);
  expect(await fitAndScore(mahalanobisScore, 0, [10, 1])).toBeCloseTo(1 / 2, 6);
  // Half of the trace, 1.25, is added to both variances.
  expect(await fitAndScore(mahalanobisScore, 1, [1, 2])).toBeCloseTo(1 / 1.75 + 4 / 3.25, 5);
});

test("the relative distance takes off that to all images, whose classes are 10 apart", async () => {
  expect(await fitAndScore(relativeMahalanobisScore, 0, [10, 1])).toBeCloseTo(1 / 2 - (25 / 25.5 + 1 / 2), 5);
});

test("the hyperspherical distance is that of the direction, whatever the length", async () => {
  const of = (z: readonly number[]) => fitAndScore(hypersphericalMahalanobisScore, 0.01, z);
  const score = await of([3, 4]);
  expect(score).toBeGreaterThan(0);
  expect(await of([3e6, 4e6])).toBeCloseTo(score, 5);
  expect(await of([3e-6, 4e-6])).toBeCloseTo(score, 5);
  expect(await of([0, 0])).not.toBeNaN();
});

test("classes a thousand standard deviations apart leave the distance its digits", async () => {
  const dimension = 12;
  const generator = createGenerator(5);
  const draw = (size: number) => Array.from({ length: dimension }, () => size * (generator.uniform() - 0.5));
  const centres = [draw(2000), draw(2000), draw(2000)];
  const common = draw(4);
  const image = (y: number) => {
    const along = generator.uniform();
    const [noise, centre] = [draw(1), centres[y] as number[]];
    return noise.map((value, axis) => Math.fround((centre[axis] as number) + along * (common[axis] as number) + value));
  };
  const wide = headOf(centres);
  const data = await fitTo(
    wide,
    Array.from({ length: 300 }, (_, at) => ({ z: image(at % 3), y: at % 3 })),
  );
  const fitted = mahalanobisScore.fit?.(data, { ridge: 0 }) ?? {};
  const covariance = Matrix.from1DArray(dimension, dimension, data.features.withinCovariance());
  const means = data.features.classMeans();
  for (const y of [0, 1, 2]) {
    const z = image(y);
    const off = Matrix.columnVector(z.map((value, axis) => value - (means[y * dimension + axis] as number)));
    const expected = off.transpose().mmul(solve(covariance, off)).get(0, 0);
    const value = await scoreOne(mahalanobisScore, { head: wide, z }, { fitted });
    expect(Math.abs(value / expected - 1)).toBeLessThan(1e-5);
  }
});

test("the fit is float64: constants lose digits only in the graph", async () => {
  const fitted = mahalanobisScore.fit?.(await fitData(), { ridge: 1e-6 }) ?? {};
  expect(Object.values(fitted).map(({ dtype }) => dtype)).toEqual(Array.from({ length: 5 }, () => "float64"));
});
