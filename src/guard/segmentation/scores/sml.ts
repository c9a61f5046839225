import { DataError, OptionError } from "../../../errors.js";
import { div, gather, reduceMax, squeeze, sub, tensorOf, unsqueeze } from "../../../ops/index.js";
import { boundarySuppression, dilatedSmoothing, type Fitted } from "../../../scores/index.js";
import { fittedTensor, predictedClass } from "../../../scores/needed.js";
import { definePixelScore, type MaxLogitMoments } from "./types.js";

/**
 * Standardized max logits of pixels: the maximum logit, measured from that of pixels predicted as the same class, then boundary suppression and
 * dilated smoothing of the map,
 *
 *   s(x) = -(f_ŷ(x) - μ_ŷ) / σ_ŷ,      ŷ = argmax_c f_c(x)
 *
 * Jung, Lee, Gwak, Choi and Choo, "Standardized Max Logits: A Simple yet Effective Approach for Identifying Unexpected Road Obstacles in
 * Urban-Scene Segmentation", ICCV 2021. The widths are those of their code, for images of 2048 x 1024. Unlike there, pixels that are void in
 * the labels do not count in μ and σ: held-out classes are void in training. A class predicted nowhere has the μ and σ of all pixels.
 */
export const pixelSmlScore = definePixelScore({
  name: "sml",
  title: "Standardized max logits",
  source: "Jung, Lee, Gwak, Choi and Choo, ICCV 2021",
  uses: [],
  reads: ["maxLogits"],
  /** Of {@link boundarySuppression}, where a width of 0 leaves it out, and of {@link dilatedSmoothing}, where a dilation of 0 does. */
  defaults: { width: 4, iterations: 4, dilation: 6 },
  check({ width, iterations, dilation }) {
    const whole = [width, iterations, dilation].every((value) => Number.isInteger(value) && value >= 0);
    if (whole && iterations > 0 && width % iterations === 0) return;
    throw new OptionError({
      where: "sml score",
      expected: "whole numbers, a width that is a multiple of the iterations (or 0) and a dilation ≥ 0",
      received: `width ${width}, iterations ${iterations}, dilation ${dilation}`,
    });
  },
  fit: ({ maxLogits }) => fitMaxLogits(maxLogits),
  expression({ logits }, { width, iterations, dilation }, fitted) {
    const predicted = predictedClass(logits);
    const ofPredicted = (name: "mean" | "std") =>
      gather(logits.builder.constant(fittedTensor(fitted, name, "sml")), predicted, 0);
    const standardized = div(sub(ofPredicted("mean"), reduceMax(logits, { axes: [1] })), ofPredicted("std"));
    const map = unsqueeze(standardized, [1]);
    const suppressed = width === 0 ? map : boundarySuppression(map, unsqueeze(predicted, [1]), { width, iterations });
    return squeeze(dilation === 0 ? suppressed : dilatedSmoothing(suppressed, { dilation }), [1]);
  },
});

/** @throws DataError when the maximum logit of all pixels is the same */
function fitMaxLogits(classes: readonly MaxLogitMoments[]): Fitted {
  const all = pooled(classes);
  if (!(all.variance > 0)) {
    throw new DataError({
      where: "sml score",
      expected: "pixels with different maximum logits",
      received: all.count === 0 ? "no pixel that is labelled with a class" : `${all.count} with the same one`,
      hint: "fit it to more images",
    });
  }
  const used = classes.map((own) => (own.variance > 0 ? own : all));
  return {
    mean: tensorOf(
      used.map(({ mean }) => mean),
      "float64",
    ),
    std: tensorOf(
      used.map(({ variance }) => Math.sqrt(variance)),
      "float64",
    ),
  };
}

/** Moments of all classes together. */
function pooled(classes: readonly MaxLogitMoments[]): MaxLogitMoments {
  const found = classes.filter(({ count }) => count > 0);
  const count = found.reduce((sum, own) => sum + own.count, 0);
  const mean = found.reduce((sum, own) => sum + (own.count / count) * own.mean, 0);
  const variance = found.reduce((sum, own) => sum + (own.count / count) * (own.variance + (own.mean - mean) ** 2), 0);
  return { count, mean, variance };
}
