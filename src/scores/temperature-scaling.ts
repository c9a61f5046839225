import { DataError } from "../errors.js";
import { div, tensorOf } from "../ops/index.js";
import type { FitData, Rows } from "./fit/fit-data.js";
import { increasingRoot } from "./fit/root.js";
import { images } from "./fit/rows.js";
import { msp } from "./msp.js";
import { fittedTensor } from "./needed.js";
import { defineScore, type Fitted } from "./types.js";

/**
 * Negative maximum softmax probability at the temperature T > 0 that makes the probabilities fit the labels best,
 *
 *   s(x) = -max_c softmax(f(x) / T)_c,      T = argmin -mean log softmax(f/T)_y
 *
 * Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2. Higher means more
 * out-of-distribution; in [-1, -1/K]. Logits float [N, K] or [N, K, H, W]; scores [N] or [N, H, W].
 */
export const temperatureScalingScore = defineScore({
  name: "temperature-scaling",
  title: "Temperature scaling",
  source: "Guo, Pleiss, Sun and Weinberger, ICML 2017",
  uses: ["labels"],
  reads: ["sample"],
  defaults: {},
  fit: fitTemperature,
  expression: ({ logits }, _options, fitted) =>
    msp(div(logits, logits.builder.constant(fittedTensor(fitted, "temperature", "temperature-scaling")))),
});

/**
 * The loss is convex in β = 1/T; T is found where its derivative, mean(E_p f - f_y) for p = softmax(βf), crosses 0.
 *
 * @throws DataError when there is no such T: every image is classified right and T → 0 only makes the loss smaller, or
 *   the labels have no larger logits than other classes and T → ∞ does
 */
function fitTemperature({ sample }: FitData<"sample">): Fitted {
  const where = "temperature-scaling score";
  if ([...images(sample)].every(({ logits, label, predicted }) => logits[label] === logits[predicted])) {
    throw new DataError({
      where,
      expected: "at least one wrongly classified image",
      received: `${sample.count} images, all classified right`,
      hint: "fit it to images that the model was not trained on",
    });
  }
  const derivative = lossDerivative(sample);
  const atZero = derivative(0).value;
  if (atZero >= 0) {
    throw new DataError({
      where,
      expected: "the logit of an image's label to be larger than the others on average",
      received: `one that is ${atZero} smaller than their mean`,
      hint: "check that the labels number the classes as the model's outputs do",
    });
  }
  return { temperature: tensorOf(1 / increasingRoot(derivative, 1), "float64") };
}

/** First and second derivative of the mean loss with respect to β: the logits' mean under p less that of the label, and their variance. */
const lossDerivative = (sample: Rows) => (beta: number) => {
  let [value, slope] = [0, 0];
  for (const { logits, label, predicted } of images(sample)) {
    const top = logits[predicted] as number;
    let [total, weighted, squared] = [0, 0, 0];
    for (const logit of logits) {
      const below = logit - top;
      const weight = Math.exp(beta * below);
      total += weight;
      weighted += weight * below;
      squared += weight * below * below;
    }
    const expected = weighted / total;
    value += (expected - ((logits[label] as number) - top)) / sample.count;
    slope += (squared / total - expected ** 2) / sample.count;
  }
  return { value, slope };
};
