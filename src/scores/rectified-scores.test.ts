import { describe, expect, test } from "vitest";
import { casesOf, expectReference } from "../../test/reference/posthoc.js";
import { fitTo, headOf, scoreOne } from "../../test/reference/tiny-scores.js";
import { OptionError, UnsupportedError } from "../errors.js";
import { GraphBuilder } from "../graph/builder.js";
import { countAbove } from "./activations.js";
import { ashBScore, ashPScore, ashSScore } from "./ash.js";
import { diceScore } from "./dice.js";
import { percentile } from "./fit/rows.js";
import { reactScore } from "./react.js";
import { scaleScore } from "./scale.js";

const rectified = [reactScore, ashPScore, ashBScore, ashSScore, scaleScore, diceScore];

describe.each(rectified)("$name", (score) => {
  test.each(casesOf(score.name))("equals NumPy's float64 values on real features with $options", async (stored) => {
    await expectReference(score, stored);
  });

  test("the reference has a case of it", () => {
    expect(casesOf(score.name)).not.toHaveLength(0);
  });

  test.each([-1, 100, Number.NaN])("percentile %s is refused", (percentile) => {
    expect(() => score.check?.({ percentile })).toThrow(OptionError);
    expect(() => score.check?.({ percentile })).toThrow(
      `${score.name} score: expected a percentile of at least 0 and below 100, got ${percentile}`,
    );
  });

  test("logits alone are refused", () => {
    const logits = new GraphBuilder().input("logits", "float32", ["N", 2]);
    const make = () => score.expression({ logits }, score.defaults, {});
    expect(make).toThrow(UnsupportedError);
    expect(make).toThrow(
      `${score.name} score: expected the features that go into the last layer, got logits alone; use`,
    );
  });
});

// With one class the energy is minus its logit, here -(z₁ + 2 z₂ + 3 z₃ + 4 z₄ + ½).
const head = headOf([[1, 2, 3, 4]], [0.5]);
const z = [1, 5, 2, 0];
const half = { options: { percentile: 50 } };

test("ReAct clips at the percentile of all features of the fit", async () => {
  const fitted = reactScore.fit?.(await fitTo(head, [{ z: [0, 1, 2, 3] }, { z: [1, 2, 3, 4] }]), half.options) ?? {};
  expect(fitted.clip?.data).toEqual(Float64Array.of(2));
  expect(await scoreOne(reactScore, { head, z }, { ...half, fitted })).toBeCloseTo(-(1 + 4 + 6 + 0.5), 5);
});

test("the percentile is interpolated between neighbours", () => {
  expect(percentile(Float64Array.of(4, 1, 2), 75)).toBe(3);
  expect(percentile(Float32Array.of(4, 1, 2), 0)).toBe(1);
  expect(percentile(Float32Array.of(4, 1, 2), 100)).toBe(4);
});

test("each way of shaping changes the two largest of four activations as its formula says", async () => {
  expect(await scoreOne(ashPScore, { head, z }, half)).toBeCloseTo(-(10 + 6 + 0.5), 5);
  expect(await scoreOne(ashBScore, { head, z }, half)).toBeCloseTo(-(2 * 4 + 3 * 4 + 0.5), 5);
  expect(await scoreOne(ashSScore, { head, z }, half)).toBeCloseTo(-(16 * Math.exp(8 / 7) + 0.5), 4);
  expect(await scoreOne(scaleScore, { head, z }, half)).toBeCloseTo(-(17 * Math.exp(8 / 7) + 0.5), 4);
});

test("activations that tie at the cut are all kept", async () => {
  const tied = { head, z: [3, 1, 3, 3] };
  expect(await scoreOne(ashPScore, tied, { options: { percentile: 75 } })).toBeCloseTo(-(3 + 9 + 12 + 0.5), 5);
});

test.each([ashPScore, ashBScore, ashSScore, scaleScore])(
  "$name of an image without activations is that of the bias",
  async (score) => {
    expect(await scoreOne(score, { head, z: [0, 0, 0, 0] }, half)).toBe(-0.5);
  },
);

test("as many activations are kept as NumPy's rounding says, and never none", () => {
  expect(countAbove({ percentile: 25 }, 2)).toBe(2);
  expect(countAbove({ percentile: 25 }, 6)).toBe(4);
  expect(countAbove({ percentile: 65 }, 64)).toBe(22);
  expect(countAbove({ percentile: 99 }, 4)).toBe(1);
});

test("DICE drops the weights that contribute at most the percentile", async () => {
  const fitted = diceScore.fit?.(await fitTo(head, [{ z: [0, 2, 1, 1] }, { z: [2, 0, 1, 1] }]), half.options) ?? {};
  expect(fitted.weight?.data).toEqual(Float32Array.of(0, 0, 3, 4));
  expect(await scoreOne(diceScore, { head, z }, { ...half, fitted })).toBeCloseTo(-(6 + 0.5), 5);
});

test.each([
  [reactScore, "clip"],
  [diceScore, "weight"],
] as const)("$name that was not fitted says so", async (score, missing) => {
  await expect(scoreOne(score, { head, z })).rejects.toThrow(
    `${score.name} score: expected "${missing}" of its fit, got none; fit the score to in-distribution data first`,
  );
});
