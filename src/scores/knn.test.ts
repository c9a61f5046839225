import { describe, expect, test } from "vitest";
import { casesOf, expectReference } from "../../test/reference/posthoc.js";
import { fitTo, headOf, openCollector, scoreOne } from "../../test/reference/tiny-scores.js";
import { createGenerator } from "../data/index.js";
import { OptionError } from "../errors.js";
import { knnScore } from "./knn.js";

const head = headOf([
  [1, 0],
  [0, 1],
]);
const directions = [
  [1, 0],
  [0, 3],
  [-5, 0],
  [0, 0],
].map((z) => ({ z }));

test.each(casesOf("knn"))("equals NumPy's float64 values on real features: $options", async (stored) => {
  await expectReference(knnScore, stored, { tolerance: 1e-6 });
});

test("the reference has a case of it", () => {
  expect(casesOf("knn")).not.toHaveLength(0);
});

test.each([
  [1, 0],
  [2, 1],
  [3, Math.SQRT2],
  [4, 2],
])("neighbour %d of a direction is at %d, where features of zeros are at 1 from all", async (k, expected) => {
  const options = { k, share: 1, bank: 10 };
  const fitted = knnScore.fit?.(await fitTo(head, directions), options) ?? {};
  expect(await scoreOne(knnScore, { head, z: [7, 0] }, { options, fitted })).toBeCloseTo(expected, 6);
});

test("features of zeros have a score", async () => {
  const options = { k: 2, share: 1, bank: 10 };
  const fitted = knnScore.fit?.(await fitTo(head, directions), options) ?? {};
  expect(await scoreOne(knnScore, { head, z: [0, 0] }, { options, fitted })).toBe(1);
});

test("near neighbours in tight clusters are told apart, though their products with the image are the same in float32", async () => {
  const dimension = 64;
  const generator = createGenerator(2);
  const draw = (size: number) => Array.from({ length: dimension }, () => size * generator.uniform());
  const centres = [draw(1), draw(1), draw(1)];
  const image = (y: number) => draw(0.02).map((value, axis) => Math.fround(value + (centres[y]?.[axis] ?? 0)));
  const wide = headOf(centres);
  const bank = Array.from({ length: 3000 }, (_, at) => image(at % 3));
  const data = await fitTo(
    wide,
    bank.map((z) => ({ z })),
  );
  const unit = (z: readonly number[]) => {
    const length = Math.hypot(...z);
    return z.map((value) => value / length);
  };
  const units = bank.map(unit);
  for (const k of [1, 50]) {
    const options = { k, share: 1, bank: 3000 };
    const fitted = knnScore.fit?.(data, options) ?? {};
    for (let query = 0; query < 12; query++) {
      const z = image(query % 3);
      const u = unit(z);
      const distances = units.map((v) => Math.hypot(...v.map((value, axis) => value - (u[axis] as number))));
      const expected = distances.sort((a, b) => a - b)[k - 1] as number;
      const value = await scoreOne(knnScore, { head: wide, z }, { options, fitted });
      expect(Math.abs(value / expected - 1)).toBeLessThan(1e-5);
    }
  }
});

test("a bank smaller than the sample takes rows at even distances, as a set may be sorted by class", async () => {
  const images = Array.from({ length: 10 }, (_, at) => ({ z: at < 5 ? [1, 0] : [0, 1] }));
  const { bank, halfSquares } = knnScore.fit?.(await fitTo(head, images), { k: 1, share: 1, bank: 4 }) ?? {};
  expect(bank).toEqual({ dtype: "float32", dims: [4, 2], data: Float32Array.of(1, 0, 1, 0, 0, 1, 0, 1) });
  expect(halfSquares?.data).toEqual(Float32Array.of(0.5, 0.5, 0.5, 0.5));
});

test("a share is one of all images, and the bank's size its limit", async () => {
  const collector = await openCollector(head, { limit: 6 });
  const features = Float32Array.from({ length: 40 }, (_, at) => 1 + at);
  await collector.add({ count: 20, features, logits: new Float32Array(40), labels: new Int32Array(20) });
  const data = collector.data();
  await collector.close();
  const sizeOf = (share: number, bank: number) => knnScore.fit?.(data, { k: 1, share, bank }).bank?.dims[0];
  expect(sizeOf(0.25, 100)).toBe(5);
  expect(sizeOf(0.25, 3)).toBe(3);
  // The sample has six of the twenty.
  expect(sizeOf(0.5, 100)).toBe(6);
  const refused = (k: number, share: number, bank: number) => () => knnScore.fit?.(data, { k, share, bank });
  const expected = (count: number, k: number, raise: string) =>
    `knn score: expected a k of at most ${count}, the number of images in the bank, got ${k}; choose a smaller k, or ${raise}`;
  expect(refused(1, 0.01, 100)).toThrow(expected(0, 1, "a larger share"));
  expect(refused(6, 0.25, 100)).toThrow(expected(5, 6, "a larger share"));
  expect(refused(4, 0.25, 3)).toThrow(expected(3, 4, "a larger bank"));
  expect(refused(7, 1, 100)).toThrow(expected(6, 7, "a larger --sample"));
  expect(refused(7, 0.3, 6)).toThrow(expected(6, 7, "a larger --sample and share and bank"));
});

describe("refuses", () => {
  test.each([
    [{ k: 0, share: 1, bank: 10 }, "k to be a whole number ≥ 1, got 0"],
    [{ k: 1.5, share: 1, bank: 10 }, "k to be a whole number ≥ 1, got 1.5"],
    [{ k: 1, share: 1, bank: Number.NaN }, "bank to be a whole number ≥ 1, got NaN"],
    [{ k: 1, share: 0, bank: 10 }, "share to be above 0 and at most 1, got 0"],
    [{ k: 1, share: 1.1, bank: 10 }, "share to be above 0 and at most 1, got 1.1"],
  ])("%o", (options, message) => {
    expect(() => knnScore.check?.(options)).toThrow(OptionError);
    expect(() => knnScore.check?.(options)).toThrow(`knn score: expected ${message}`);
  });

  test("a k beyond the bank", async () => {
    const data = await fitTo(head, directions);
    const fit = () => knnScore.fit?.(data, { k: 5, share: 1, bank: 10 });
    expect(fit).toThrow(OptionError);
    expect(fit).toThrow(
      "knn score: expected a k of at most 4, the number of images in the bank, got 5; " +
        "choose a smaller k, or fit it to more images",
    );
  });
});
