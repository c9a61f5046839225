import { type Expr, neg, reduceMax, sum } from "../ops/index.js";
import { imageOf } from "./needed.js";
import { checkEpsilon, movedImage } from "./odin.js";
import { defineScore, type ScoreInputs } from "./types.js";

type GeneralizedOdinOptions = {
  /** ε, the step in pixels of [0, 1], >= 0; 0 leaves the image as it is. */
  readonly epsilon: number;
};

/**
 * Generalized ODIN (DeConf-C*): negative maximum cosine, of an image that was moved one step towards a larger one.
 *
 *   s(x) = -max_c h_c(x~),      x~ = x + ε · sign(∇ₓ max_c h_c(x))
 *
 * Hsu, Shen, Jin and Kira, "Generalized ODIN: Detecting Out-of-distribution Image without Learning from Out-of-distribution Data", CVPR
 * 2020. ε is the one of their seven that gives in-distribution images the largest mean of max_c h_c; no outliers are needed.
 * sign and the units of ε are those of {@link odin}. Public code of a third party (guyera/Generalized-ODIN-Implementation) does the same,
 * but then scores the image that was not moved. Higher means more out-of-distribution; in [-1, 1].
 *
 * @param inputs  with the cosines h, float [1, K], in the place of the logits
 * @returns [1], as `inputs` are those of one image
 * @throws UnsupportedError when only the logits are known
 */
export function generalizedOdin(inputs: ScoreInputs, { epsilon }: GeneralizedOdinOptions): Expr {
  const { image } = imageOf(inputs, "generalized-odin");
  const gradient = image.gradientOf(sum(largest(inputs.logits)));
  return neg(largest(image.logitsOf(movedImage(image, gradient, epsilon))));
}

const largest = (cosines: Expr): Expr => reduceMax(cosines, { axes: [1] });

export const generalizedOdinScore = defineScore({
  name: "generalized-odin",
  title: "Generalized ODIN",
  source: "Hsu, Shen, Jin and Kira, CVPR 2020",
  uses: ["image"],
  output: "cosine",
  choice: { option: "epsilon", among: [0, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08] },
  defaults: { epsilon: 0 },
  check: ({ epsilon }) => checkEpsilon("generalized-odin", epsilon),
  expression: generalizedOdin,
});
