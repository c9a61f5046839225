/** Runs a segmentation network that `offmap export` has given map and mask, over single images. */
import type { Size } from "../../data/index.js";
import { append } from "../../graph/append.js";
import type { Model } from "../../onnx/types.js";
import type { Engine } from "../../runtime/index.js";
import type { Classifier } from "../../training/classifier.js";
import type { PixelShapes } from "../../training/segmentation/segmenter.js";
import { anomalyMapOutput, anomalyMaskOutput } from "./anomaly-model.js";
import { pixelAddition, predictedOutput } from "./pixel-graph.js";
import { inputSize } from "./pixel-network.js";
import { type RunScenesOptions, runScenes, type ScenesToRun } from "./pixel-runner.js";

/** What the file says of one image, in the size that the file takes. */
export interface FlaggedScene {
  readonly index: number;
  readonly size: Size;
  /** `anomaly_map`, float32 [H, W] */
  readonly map: Float32Array;
  /** `anomaly_mask`, 0 or 1, [H, W] */
  readonly mask: Uint8Array;
  /** [H, W] */
  readonly predicted: Uint8Array;
}

/** @param classes  K: outputs beyond are left out of the predictions */
export async function runAnomalyModel(
  engine: Engine,
  classifier: Classifier,
  dataset: ScenesToRun,
  { classes, ...run }: RunScenesOptions & { readonly classes: number },
  use: (scene: FlaggedScene) => Promise<void>,
): Promise<void> {
  const sizeFor = (image: Size) => inputSize(classifier, image);
  await runScenes(
    engine,
    classifier,
    dataset,
    (shapes, image) => withPredictions(classifier, shapes, classes, sizeFor(image)),
    run,
    ({ index, scene, outputs }) =>
      use({
        index,
        size: sizeFor(scene),
        map: outputs[anomalyMapOutput]?.data as Float32Array,
        mask: outputs[anomalyMaskOutput]?.data as Uint8Array,
        predicted: outputs[predictedOutput]?.data as Uint8Array,
      }),
  );
}

/** The file's own map and mask, and the predicted classes. */
function withPredictions(classifier: Classifier, shapes: PixelShapes, classes: number, size: Size): Model {
  const { graph, ...model } = classifier.upgraded;
  const outputs = graph.outputs.filter(({ name }) => name === anomalyMapOutput || name === anomalyMaskOutput);
  const predictions = pixelAddition(classifier, shapes, { classes, size, parts: [], batch: 1 });
  // The file has tensors under the prefix of the addition that it was made with.
  return append({ ...model, graph: { ...graph, outputs } }, [{ ...predictions, prefix: "offmap/predictions/" }]);
}
