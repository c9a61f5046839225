import { DataError } from "../errors.js";
import { div, gather, reduceMax, sub, tensorOf } from "../ops/index.js";
import type { FitData } from "./fit/fit-data.js";
import { images } from "./fit/rows.js";
import { fittedTensor, predictedClass } from "./needed.js";
import { defineScore, type Fitted } from "./types.js";

/**
 * Standardized max logit: the maximum logit, measured from that of images predicted as the same class,
 *
 *   s(x) = -(f_ŷ(x) - μ_ŷ) / σ_ŷ,      ŷ = argmax_c f_c(x)
 *
 * with μ_c and σ_c the mean and standard deviation (divided by the count) of the maximum logit over the images predicted
 * as c. Jung, Lee, Gwak, Choi and Choo, "Standardized Max Logits: A Simple yet Effective Approach for Identifying
 * Unexpected Road Obstacles in Urban-Scene Segmentation", ICCV 2021; without its boundary suppression and
 * smoothing. Higher means more out-of-distribution; any real number. Of tied logits the first class is predicted.
 *
 * Logits float [N, K] or [N, K, H, W]; scores [N] or [N, H, W].
 */
export const smlScore = defineScore({
  name: "sml",
  title: "Standardized max logit",
  source: "Jung, Lee, Gwak, Choi and Choo, ICCV 2021",
  uses: [],
  reads: ["sample"],
  defaults: {},
  fit: fitMaxLogits,
  expression: ({ logits }, _options, fitted) => {
    const predicted = predictedClass(logits);
    const ofPredicted = (name: "mean" | "std") =>
      gather(logits.builder.constant(fittedTensor(fitted, name, "sml")), predicted, 0);
    return div(sub(ofPredicted("mean"), reduceMax(logits, { axes: [1] })), ofPredicted("std"));
  },
});

/** @throws DataError for a class without two images predicted as it whose maximum logits differ: σ would be 0 */
function fitMaxLogits({ head: { classes }, sample }: FitData<"sample">): Fitted {
  const tops: number[][] = Array.from({ length: classes }, () => []);
  for (const { logits, predicted } of images(sample)) {
    (tops[predicted] as number[]).push(logits[predicted] as number);
  }
  const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const mean = tops.map(average);
  const std = tops.map((values, label) =>
    Math.sqrt(average(values.map((value) => (value - (mean[label] as number)) ** 2))),
  );
  const without = std.findIndex((spread) => !(spread > 0));
  if (without >= 0) {
    const found = (tops[without] as number[]).length;
    throw new DataError({
      where: "sml score",
      expected: `at least 2 images predicted as class ${without}, with different maximum logits`,
      received: found > 1 ? `${found} with the same one` : String(found),
      hint: "fit to more images, or to a set that holds every class of the model",
    });
  }
  return { mean: tensorOf(mean, "float64"), std: tensorOf(std, "float64") };
}
