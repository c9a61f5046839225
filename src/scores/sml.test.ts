import { expect, test } from "vitest";
import { runModel } from "../../test/gradients/run-model.js";
import { casesOf, expectReference, fitData } from "../../test/reference/posthoc.js";
import { fitTo, headOf, scoreOne } from "../../test/reference/tiny-scores.js";
import { DataError } from "../errors.js";
import { GraphBuilder } from "../graph/builder.js";
import { smlScore } from "./sml.js";

test.each(casesOf("sml"))("equals NumPy's float64 values on real logits", async (stored) => {
  await expectReference(smlScore, stored);
  const fitted = smlScore.fit?.(await fitData(), {}) ?? {};
  for (const name of ["mean", "std"]) {
    const expected = stored.fitted[name] as number[];
    expected.forEach((value, label) => {
      expect((fitted[name]?.data[label] as number) / value).toBeCloseTo(1, 6);
    });
  }
});

const head = headOf([[0], [0]]);
const images = (...logits: [number, number][]) =>
  fitTo(
    head,
    logits.map((f) => ({ z: [0], f })),
  );
// Predicted as class 0: maxima 4 and 8, mean 6, σ 2. As class 1: maxima 1, 1 and 4, mean 2, σ √2.
const fitted = smlScore.fit?.(await images([4, 0], [8, 7], [0, 1], [0, 1], [-9, 4]), {}) ?? {};

test("the maximum logit is measured from that of the predicted class", async () => {
  const score = (f: [number, number]) => scoreOne(smlScore, { head, z: [0], f }, { fitted });
  expect(await score([5, 4])).toBeCloseTo(0.5, 6);
  expect(await score([4, 5])).toBeCloseTo(-3 / Math.SQRT2, 6);
  // A tie: the first class.
  expect(await score([5, 5])).toBeCloseTo(0.5, 6);
});

test("each pixel has its own predicted class", async () => {
  const builder = new GraphBuilder();
  const logits = builder.input("logits", "float32", ["N", 2, "H", "W"]);
  const score = smlScore.expression({ logits }, {}, fitted);
  expect(score.dims).toEqual(["N", "H", "W"]);
  const data = Float32Array.of(5, 4, 4, 5);
  const result = await runModel(builder.model({ score }), { logits: { dtype: "float32", dims: [1, 2, 1, 2], data } });
  expect(result.get("score")?.dims).toEqual([1, 1, 2]);
  expect(result.get("score")?.data[0]).toBeCloseTo(0.5, 6);
  expect(result.get("score")?.data[1]).toBeCloseTo(-3 / Math.SQRT2, 6);
});

test.each([
  ["no image", [], "0"],
  ["one image", [[0, 3]], "1"],
  [
    "images of one maximum logit",
    [
      [0, 3],
      [1, 3],
    ],
    "2 with the same one",
  ],
] satisfies [string, [number, number][], string][])(
  "a class that %s is predicted as is refused",
  async (_, more, found) => {
    const data = await images([4, 0], [8, 7], ...more);
    const fit = () => smlScore.fit?.(data, {});
    expect(fit).toThrow(DataError);
    expect(fit).toThrow(
      `sml score: expected at least 2 images predicted as class 1, with different maximum logits, got ${found}; fit to more images, or to a set that holds every class of the model`,
    );
  },
);
