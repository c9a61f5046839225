import { type ImageDataset, type Normalization, openDataset } from "../data/index.js";
import type { Engine } from "../runtime/index.js";
import type { Classifier } from "./classifier.js";
import { shapeHint } from "./classifier.js";
import { predict } from "./predict.js";
import { type Prior, priorFromLogits } from "./prior.js";
import type { Progress } from "./progress.js";

/**
 * Step 1 of the method: inference over the outliers with the untouched model, and the share of each class among its
 * predictions.
 *
 * @param outliers    dataset spec or an opened dataset; labels are not looked at
 * @param classNames  names of the model's classes, where known, for charts
 */
export async function measurePrior(
  engine: Engine,
  classifier: Classifier,
  outliers: string | ImageDataset,
  options: {
    normalization?: Normalization | undefined;
    classNames?: readonly string[];
    progress?: Progress;
    signal?: AbortSignal;
  } = {},
): Promise<Prior> {
  const dataset =
    typeof outliers === "string"
      ? await openDataset(outliers, { ...shapeHint(classifier), ignoreLabels: true })
      : outliers;
  const logits = await predict(engine, classifier, dataset, options);
  return priorFromLogits(logits, logits.length / dataset.length, options.classNames);
}
