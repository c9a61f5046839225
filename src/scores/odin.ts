import { OptionError } from "../errors.js";
import { add, div, type Expr, greaterOrEqual, logSumExp, mul, reduceMax, sub, sum, where } from "../ops/index.js";
import { msp } from "./msp.js";
import { imageOf } from "./needed.js";
import { defineScore, type ImageInputs, type ScoreInputs } from "./types.js";

type OdinOptions = {
  /** T, divides the logits, > 0. */
  readonly temperature: number;
  /** ε, the step in pixels of [0, 1], >= 0; 0 leaves the image as it is. */
  readonly epsilon: number;
};

/**
 * ODIN: negative maximum softmax probability at a high temperature, of an image that was moved one step towards its predicted class.
 * The step raises the confidence of in-distribution images more than that of others.
 *
 *   s(x) = -max_c softmax(f(x~) / T)_c,      x~ = x - ε · sign(∇ₓ -log max_c softmax(f(x) / T)_c)
 *
 * Liang, Li and Srikant, "Enhancing the Reliability of Out-of-distribution Image Detection in Neural Networks", ICLR 2018, eq. 1 and 2.
 * sign is 1 where the gradient is >= 0 and -1 elsewhere, as in the authors' code, so that every pixel moves. They divide the step by the
 * standard deviation that pixels are normalised with, as is done here. T and ε default to the values of their code for DenseNet on CIFAR-10.
 * Higher means more out-of-distribution; in [-1, -1/K].
 *
 * @returns [1], as `inputs` are those of one image
 * @throws UnsupportedError when only the logits are known
 */
export function odin(inputs: ScoreInputs, { temperature, epsilon }: OdinOptions): Expr {
  const { image } = imageOf(inputs, "odin");
  const gradient = image.gradientOf(odinLoss(inputs.logits, temperature));
  return msp(div(image.logitsOf(movedImage(image, gradient, -epsilon)), temperature));
}

/**
 * Cross entropy of the tempered logits with the predicted class, -log max_c softmax(f/T)_c, summed over the images.
 *
 * Of equal largest logits each is the predicted class in part, as the gradient of a maximum is shared among them.
 */
export function odinLoss(logits: Expr, temperature: number): Expr {
  const tempered = div(logits, temperature);
  return sum(sub(logSumExp(tempered, { axes: [1] }), reduceMax(tempered, { axes: [1] })));
}

/**
 * The image one step up along the signs of a gradient, or down for a negative step.
 *
 * @param step  in pixels of [0, 1]
 */
export function movedImage({ pixels, slope }: ImageInputs, gradient: Expr, step: number): Expr {
  return add(pixels, mul(mul(slope, step), where(greaterOrEqual(gradient, 0), 1, -1)));
}

/** @throws OptionError for a step that leaves the range of pixels whatever the image */
export function checkEpsilon(score: string, epsilon: number): void {
  if (epsilon >= 0 && epsilon <= 1) return;
  const expected = "an epsilon from 0 to 1, in pixels of [0, 1]";
  throw new OptionError({ where: `${score} score`, expected, received: String(epsilon) });
}

function check({ temperature, epsilon }: OdinOptions): void {
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new OptionError({ where: "odin score", expected: "a temperature > 0", received: String(temperature) });
  }
  checkEpsilon("odin", epsilon);
}

export const odinScore = defineScore({
  name: "odin",
  title: "ODIN",
  source: "Liang, Li and Srikant, ICLR 2018, eq. 1 and 2",
  uses: ["image"],
  defaults: { temperature: 1000, epsilon: 0.0014 },
  check,
  expression: odin,
});
