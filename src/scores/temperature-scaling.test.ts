import { expect, test } from "vitest";
import { casesOf, expectReference, fitData } from "../../test/reference/posthoc.js";
import { fitTo, headOf, scoreOne } from "../../test/reference/tiny-scores.js";
import { DataError } from "../errors.js";
import { temperatureScalingScore } from "./temperature-scaling.js";

test.each(casesOf("temperature"))("equals SciPy's float64 values on real logits", async (stored) => {
  await expectReference(temperatureScalingScore, stored);
  const found = temperatureScalingScore.fit?.(await fitData(), {}).temperature?.data[0] as number;
  // The reference was fitted to logits before their rounding to float32.
  expect(found / (stored.fitted.temperature as number)).toBeCloseTo(1, 6);
});

const head = headOf([[0], [0]]);
const of = (...labels: number[]) =>
  fitTo(
    head,
    labels.map((y) => ({ z: [0], f: [2, 0], y })),
  );

test("three right of four images with the same logits: T makes their probability ¾", async () => {
  const fitted = temperatureScalingScore.fit?.(await of(0, 1, 0, 0), {}) ?? {};
  // log(p / (1 - p)) = 2 / T
  expect(fitted.temperature?.data[0]).toBeCloseTo(2 / Math.log(3), 12);
  expect(await scoreOne(temperatureScalingScore, { head, z: [0], f: [0, 2] }, { fitted })).toBeCloseTo(-0.75, 6);
});

test.each([1e-3, 1e3])("logits %d times as large have a T as many times as large", async (factor) => {
  const { head: of10, ...data } = await fitData();
  const { sample } = data;
  const scaled = { ...sample, logits: sample.logits.map((logit) => logit * factor) };
  const [once, more] = [sample, scaled].map(
    (rows) => temperatureScalingScore.fit?.({ head: of10, ...data, sample: rows }, {}).temperature?.data[0] as number,
  ) as [number, number];
  expect(more / once / factor).toBeCloseTo(1, 6);
});

test("images that are all classified right have no best temperature", async () => {
  const data = await of(0, 0);
  expect(() => temperatureScalingScore.fit?.(data, {})).toThrow(DataError);
  expect(() => temperatureScalingScore.fit?.(data, {})).toThrow(
    "temperature-scaling score: expected at least one wrongly classified image, got 2 images, all classified right; " +
      "fit it to images that the model was not trained on",
  );
});

test("labels that do not belong to the logits have no best temperature", async () => {
  const data = await of(1, 1, 0);
  expect(() => temperatureScalingScore.fit?.(data, {})).toThrow(DataError);
  expect(() => temperatureScalingScore.fit?.(data, {})).toThrow(
    /^temperature-scaling score: expected the logit of an image's label to be larger than the others on average, got one that is 0\.33\d* smaller than their mean; check that the labels number the classes as the model's outputs do$/,
  );
});
