import type { Engine } from "../../runtime/index.js";
import type { Classifier } from "../../training/classifier.js";
import type { LabelledClasses } from "../../training/segmentation/class-order.js";
import { type Finish, pixelModel } from "./pixel-graph.js";
import { classesOf } from "./pixel-network.js";
import type { PixelPart } from "./pixel-part.js";
import { type RunScenesOptions, runScenes, type SceneOutputs, type ScenesToRun } from "./pixel-runner.js";

export interface ScoreScenesOptions extends RunScenesOptions {
  readonly parts: readonly PixelPart[];
  /** The data's classes, where its labels tell classes; see {@link classesOf}. */
  readonly labels: LabelledClasses;
  /** The data, for messages. */
  readonly where: string;
  /** Further outputs; default: predictions and scores. */
  readonly finish?: Finish | undefined;
}

export interface ScoredScene extends SceneOutputs {
  /** K, the same for every scene. */
  readonly classes: number;
}

/** Predictions and scores of every scene. Throws as {@link runScenes}, {@link classesOf} and {@link pixelModel} do. */
export async function scoreScenes(
  engine: Engine,
  classifier: Classifier,
  dataset: ScenesToRun,
  { parts, labels, where, finish, ...run }: ScoreScenesOptions,
  use: (result: ScoredScene) => void | Promise<void>,
): Promise<void> {
  let classes = 0;
  await runScenes(
    engine,
    classifier,
    dataset,
    (shapes, size) => {
      classes = classesOf(classifier, shapes.outputs, labels, where);
      return pixelModel(classifier, shapes, { classes, size, parts }, finish);
    },
    run,
    (found) => use({ ...found, classes }),
  );
}
