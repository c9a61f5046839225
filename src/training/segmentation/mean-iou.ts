import type { SegmentationDataset } from "../../data/index.js";
import { ConfusionMatrix } from "../../metrics/index.js";
import type { Tensor } from "../../onnx/types.js";
import { pixelClasses, predictScenes, type RunOverScenes, type ScenePredictor } from "./scene-predictor.js";
import type { Segmenter } from "./segmenter.js";

/** Which pixels of each class a network puts into which; void and outlier pixels are not counted. */
export async function confusionOf(
  predictor: ScenePredictor,
  classes: number,
  dataset: SegmentationDataset,
  options: RunOverScenes,
): Promise<ConfusionMatrix> {
  const matrix = new ConfusionMatrix(classes);
  await predictScenes(predictor, dataset, options, (logits, labels, index) => {
    matrix.add(pixelClasses(logits, classes), labels, dataset.describe(index));
  });
  return matrix;
}

/** The network with new values of some of its weights. */
export function withWeights(segmenter: Segmenter, weights: Readonly<Record<string, Tensor>>): Segmenter {
  const { upgraded } = segmenter;
  const initializers = new Map([...upgraded.graph.initializers, ...Object.entries(weights)]);
  return { ...segmenter, upgraded: { ...upgraded, graph: { ...upgraded.graph, initializers } } };
}
