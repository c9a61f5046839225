import { expect, test } from "vitest";
import { casesOf, expectReference } from "../../test/reference/posthoc.js";
import { fitTo, headOf, scoreOne } from "../../test/reference/tiny-scores.js";
import { OptionError, UnsupportedError } from "../errors.js";
import { GraphBuilder } from "../graph/builder.js";
import { nnGuideScore } from "./nn-guide.js";

test.each(casesOf("nnguide"))("equals NumPy's float64 values on real features with $options", async (stored) => {
  await expectReference(nnGuideScore, stored);
});

// With one class the negative energy is the logit.
const head = headOf([[0, 0]]);
const data = await fitTo(head, [
  { z: [2, 0], f: [3] },
  { z: [0, 5], f: [10] },
  { z: [-1, 0], f: [1] },
  { z: [0, -1], f: [7] },
]);
const fitted = (k: number, bank: number) => nnGuideScore.fit?.(data, { k, share: 1, bank }) ?? {};
const score = (z: readonly number[], k: number, bank = 50_000) =>
  scoreOne(nnGuideScore, { head, z, f: [2] }, { options: { k, bank }, fitted: fitted(k, bank) });

test("the energy is multiplied by the mean of the k largest guides", async () => {
  // Cosines 0.6, 0.8, -0.6, -0.8; guides 1.8, 8, -0.6, -5.6.
  expect(await score([3, 4], 1)).toBeCloseTo(-2 * 8, 5);
  expect(await score([3, 4], 2)).toBeCloseTo((-2 * 9.8) / 2, 5);
  expect(await score([3, 4], 4)).toBeCloseTo((-2 * 3.6) / 4, 5);
});

test("features that are all 0 resemble nothing", async () => {
  expect(await score([0, 0], 2)).toBeCloseTo(0, 6);
});

test("a bank smaller than the sample takes rows at even distances", () => {
  expect(fitted(1, 2).bank).toEqual({ dtype: "float32", dims: [2, 2], data: Float32Array.of(3, -1, 0, 0) });
});

test("a k larger than the bank is refused", () => {
  expect(() => fitted(5, 50)).toThrow(OptionError);
  expect(() => fitted(5, 50)).toThrow(
    "nnguide score: expected a k of at most 4, the number of images in the bank, got 5; choose a smaller k, or fit it to more images",
  );
  expect(() => fitted(3, 2)).toThrow(
    "nnguide score: expected a k of at most 2, the number of images in the bank, got 3; choose a smaller k, or a larger bank",
  );
});

test.each([
  [{ k: 0, share: 1, bank: 10 }, "nnguide score: expected k to be a whole number ≥ 1, got 0"],
  [{ k: 1.5, share: 1, bank: 10 }, "nnguide score: expected k to be a whole number ≥ 1, got 1.5"],
  [{ k: 1, share: 1, bank: Number.NaN }, "nnguide score: expected bank to be a whole number ≥ 1, got NaN"],
])("%j is refused", (options, sentence) => {
  expect(() => nnGuideScore.check?.(options)).toThrow(OptionError);
  expect(() => nnGuideScore.check?.(options)).toThrow(sentence);
});

test("logits alone are refused", () => {
  const logits = new GraphBuilder().input("logits", "float32", ["N", 1]);
  expect(() => nnGuideScore.expression({ logits }, nnGuideScore.defaults, {})).toThrow(UnsupportedError);
});
