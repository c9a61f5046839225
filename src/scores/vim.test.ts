import { describe, expect, test } from "vitest";
import { casesOf, expectReference, fitData, head as ofReference } from "../../test/reference/posthoc.js";
import { fitTo, headOf, scoreOne } from "../../test/reference/tiny-scores.js";
import { DataError, OptionError } from "../errors.js";
import { leastNormSolution } from "./fit/matrices.js";
import { automaticDimension, vimScore } from "./vim.js";

/** Where the virtual logit of 12 to 44 and the energy cancel to less than this, the error is one of rounding them, 1e-6. */
const smallest = 0.1;

test.each(casesOf("vim"))("equals NumPy's float64 values on real features: $options", async (stored) => {
  await expectReference(vimScore, stored, { termSize: smallest });
});

test("the reference has a case of it", () => {
  expect(casesOf("vim")).not.toHaveLength(0);
});

test("α, the origin and the dimension of the residual space are those of the reference", async () => {
  const [{ fitted: expected = {} } = {}] = casesOf("vim");
  // 64 features: the automatic dimension is that of the reference, 32.
  const { alpha, residualSpace } = vimScore.fit?.(await fitData(), { dimension: 0 }) ?? {};
  expect(Math.abs((alpha?.data[0] as number) / (expected.alpha as number) - 1)).toBeLessThan(1e-7);
  const origin = leastNormSolution(ofReference.weight, ofReference.bias).map((value) => -value);
  (expected.origin as number[]).forEach((value, axis) => {
    expect(origin[axis]).toBeCloseTo(value, 9);
  });
  expect(residualSpace?.dims).toEqual([64, 32]);
});

test.each([
  [5, 2],
  [767, 383],
  [768, 512],
  [2047, 512],
  [2048, 1000],
])("of %d features, %d dimensions are principal", (size, expected) => {
  expect(automaticDimension(size)).toBe(expected);
});

// Logits are 0 at (-1, -1, 0), the origin; about it, the images vary most along the first two axes.
const head = headOf(
  [
    [1, 0, 0],
    [0, 1, 0],
  ],
  [1, 1],
);
const plane = [
  [1, -1, 0],
  [-3, -1, 0],
  [-1, 2, 0],
  [-1, -4, 0],
].map((z) => ({ z, f: [2, 0] })); // prettier-ignore
const images = [...plane, { z: [-1, -1, 1], f: [0, 2] }, { z: [-1, -1, -1], f: [2, 2] }];

test("the virtual logit is the residual, scaled so that it is as large as the largest logits are on average", async () => {
  const fitted = vimScore.fit?.(await fitTo(head, images), { dimension: 2 }) ?? {};
  // Six images with largest logits of 2, two of them with a residual of 1.
  expect(fitted.alpha?.data[0]).toBeCloseTo(12 / 2, 12);
  expect(await scoreOne(vimScore, { head, z: [5, 5, 3], f: [0, 0] }, { fitted })).toBeCloseTo(18 - Math.LN2, 5);
});

describe("refuses", () => {
  test.each([-1, 1.5, Number.NaN])("a dimension of %d", (dimension) => {
    const check = () => vimScore.check?.({ dimension });
    expect(check).toThrow(OptionError);
    expect(check).toThrow(
      `vim score: expected a dimension that is a whole number ≥ 1, or 0 to choose it, got ${dimension}`,
    );
  });

  test("a principal space of all dimensions", async () => {
    const data = await fitTo(head, images);
    const fit = () => vimScore.fit?.(data, { dimension: 3 });
    expect(fit).toThrow(OptionError);
    expect(fit).toThrow(
      "vim score: expected a dimension of at most 2, less than the 3 features, got 3; leave it out to have it chosen",
    );
  });

  test("images without a residual", async () => {
    const data = await fitTo(head, plane);
    const fit = () => vimScore.fit?.(data, { dimension: 2 });
    expect(fit).toThrow(DataError);
    expect(fit).toThrow(
      "vim score: expected features outside of the principal space of dimension 2, " +
        "got none in the sample that the score is fitted to; choose a smaller dimension, or fit it to more images",
    );
  });
});
