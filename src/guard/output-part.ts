/** Scores of further outputs of a network: abstention classes, or the cosines of Generalized ODIN. */
import { OptionError } from "../errors.js";
import { GraphBuilder, minimumOpset } from "../graph/builder.js";
import { extraOutput } from "../graph/extra-outputs.js";
import { concat, type Expr, neg, reduceMax } from "../ops/index.js";
import { abstention, adjustedLogits } from "../scores/index.js";
import type { Classifier } from "../training/classifier.js";
import type { OutputScoreName } from "./output-scores.js";
import { cosineOutput, outputWidth } from "./output-width.js";
import { featuresInput, labelledPart, logitsInput, type ScorePart, scoreOutput } from "./score-part.js";

/**
 * - `abstention`: `Σ_{c > K} p_c`, p = softmax over all outputs; EAT (Wei, Wang and Zhang, AAAI 2024). In [0, 1]
 * - `calibrated-abstention`: the same of `f_c - log π_c` with π the classes' shares of the training set, and 0 for abstention
 *   classes; COCL (Miao et al., AAAI 2024, "outlier-class-aware logit calibration", τ 1). In [0, 1]
 * - `deconf-cosine`: `-max_c h_c`; Generalized ODIN (Hsu et al., CVPR 2020, eq. 8), without its perturbation of the
 *   image, which the score `generalized-odin` has. In [-1, 1]
 *
 * Each is higher for more out-of-distribution.
 *
 * @param classCounts  training images per class, for `calibrated-abstention`
 * @throws ShapeError for a network without the output, OptionError without class counts
 */
export function outputPart(
  name: OutputScoreName,
  classifier: Classifier,
  classes: number,
  classCounts: readonly number[] | undefined,
): ScorePart {
  const tensor = name === "deconf-cosine" ? cosineOutput : extraOutput.abstention;
  const width = outputWidth(name, classifier, tensor);
  const graph = new GraphBuilder(minimumOpset);
  const logits = graph.input(logitsInput, "float32", ["N", classes]);
  const further = graph.input(featuresInput, "float32", ["N", width]);
  const score = expression(name, logits, further, classCounts);
  return labelledPart(name, {}, graph.model({ [scoreOutput]: score }, `${name} score`), { features: tensor });
}

function expression(
  name: OutputScoreName,
  logits: Expr,
  further: Expr,
  classCounts: readonly number[] | undefined,
): Expr {
  const classes = logits.dims[1] as number;
  switch (name) {
    case "deconf-cosine":
      return neg(reduceMax(further, { axes: [1] }));
    case "abstention":
      return abstention(concat([logits, further], 1), classes);
    case "calibrated-abstention":
      if (classCounts === undefined) {
        throw new OptionError({
          where: `score ${name}`,
          expected: "training images to count classes in",
          received: "none",
        });
      }
      return abstention(concat([adjustedLogits(logits, classCounts), further], 1), classes);
  }
}
