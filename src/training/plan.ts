/** What a run trains: the parameters, the boundary between frozen and trained, and the shapes that cross it. */
import { ShapeError } from "../errors.js";
import { lossOutputs } from "../graph/extra-outputs.js";
import type { ImportedGraph } from "../graph/import.js";
import { type Parameter, selectParameters } from "../graph/parameters.js";
import { type Partition, partition, prefixModel } from "../graph/partition.js";
import type { Model } from "../onnx/types.js";
import { staticDims } from "../ops/index.js";
import { type Classifier, inferShapes, probeBatch } from "./classifier.js";

export interface TrainingPlan {
  readonly classifier: Classifier;
  readonly classes: number;
  readonly parameters: readonly Parameter[];
  readonly partition: Partition;
  /** Shape of one image's row of each boundary tensor. */
  readonly rows: ReadonlyMap<string, readonly number[]>;
  /** The frozen part as a model; undefined when training starts at the image. */
  readonly prefix: Model | undefined;
}

/** @param selection  which parameters to train: `head`, `all` or patterns; see `selectParameters` */
export function planTraining(
  classifier: Classifier,
  shape: readonly [number, number, number],
  selection: string,
): TrainingPlan {
  const { upgraded, logits, input } = classifier;
  const parameters = selectParameters(upgraded.graph, selection);
  const imported = inferShapes(classifier, shape, parameters, lossOutputs(upgraded.graph.outputs));
  const names = parameters.map(({ name }) => name);
  const parts = splitModel(upgraded, imported, new Set(names), { input, output: logits });
  return { classifier, classes: imported.classes, parameters, ...parts };
}

/** A model divided at the freeze boundary. */
export type SplitModel = Pick<TrainingPlan, "partition" | "rows" | "prefix">;

/**
 * @param imported  the whole graph with concrete shapes, see {@link partition}
 * @param moving    initializers that training changes
 * @param ends      the image input, and the tensor the loss is computed from
 * @throws ShapeError where the frozen part ends in something else than float32 rows
 */
export function splitModel(
  model: Model,
  imported: ImportedGraph,
  moving: ReadonlySet<string>,
  { input, output }: { readonly input: string; readonly output: string },
): SplitModel {
  const parts = partition(model.graph, imported, moving, output);
  const rows = new Map<string, readonly number[]>();
  for (const name of parts.boundary) {
    const value = imported.values.get(name);
    if (value?.dtype !== "float32" || value.dims[0] !== probeBatch) {
      throw new ShapeError({
        where: `tensor "${name}"`,
        expected: "float32 features with one row per image where the frozen part ends",
        received: value === undefined ? "nothing" : `${value.dtype} [${value.dims.join(", ")}]`,
        hint: "choose other parameters with --train, or --train all",
      });
    }
    rows.set(name, staticDims(value, name).slice(1));
  }
  const fromImage = parts.boundary.length === 1 && parts.boundary[0] === input;
  const prefix = fromImage ? undefined : prefixModel(model, imported, parts.boundary);
  return { partition: parts, rows, prefix };
}
