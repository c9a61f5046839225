import { OptionError, UnsupportedError } from "../errors.js";
import { div, type Expr, greaterOrEqual, logSumExp, mul, reduceMax, sub, sum, where } from "../ops/index.js";
import { msp } from "./msp.js";
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
export function odin({ logits, image }: ScoreInputs, { temperature, epsilon }: OdinOptions): Expr {
  if (image === undefined) {
    throw new UnsupportedError({
      where: "odin score",
      expected: "the image and the model, to differentiate it",
      received: "logits alone",
      hint: "use a score of the logits, such as energy",
    });
  }
  const gradient = image.gradientOf(odinLoss(logits, temperature));
  return msp(div(image.logitsOf(movedImage(image, gradient, epsilon)), temperature));
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

function movedImage({ pixels, slope }: ImageInputs, gradient: Expr, epsilon: number): Expr {
  return sub(pixels, mul(mul(slope, epsilon), where(greaterOrEqual(gradient, 0), 1, -1)));
}

function check({ temperature, epsilon }: OdinOptions): void {
  const fail = (expected: string, value: number) => {
    throw new OptionError({ where: "odin score", expected, received: String(value) });
  };
  if (!(temperature > 0 && Number.isFinite(temperature))) fail("a temperature > 0", temperature);
  if (!(epsilon >= 0 && epsilon <= 1)) fail("an epsilon from 0 to 1, in pixels of [0, 1]", epsilon);
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
