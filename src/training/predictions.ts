/** Logits of the images of a run: by the whole model, or, where the features of the frozen part are stored, by the trained part alone. */
import type { ImageDataset } from "../data/index.js";
import { suffixModel } from "../graph/partition.js";
import type { Model, Tensor } from "../onnx/types.js";
import { type Engine, sessionBytes } from "../runtime/index.js";
import { asClassifier } from "./classifier.js";
import { type FeatureStore, unpackRows } from "./feature-store.js";
import type { TrainingPlan } from "./plan.js";
import { type PredictOptions, predict, refuseNaN } from "./predict.js";

/** Features of both sets. */
export interface FeatureStores {
  readonly id: FeatureStore;
  readonly outliers: FeatureStore | undefined;
}

/** Gives the logits [N, K], row by row, of some images of a set, or of all in order. */
export type Predictions = (set: "id" | "outliers", indices?: Int32Array) => Promise<Float32Array>;

export interface RunSets {
  readonly id: ImageDataset;
  readonly outliers: ImageDataset | undefined;
}

/** Runs the model over the images. */
export function predictionsFromImages(
  engine: Engine,
  model: Model,
  sets: RunSets,
  options: Omit<PredictOptions, "indices" | "batch">,
): Predictions {
  const classifier = asClassifier(model);
  return (set, indices) =>
    predict(engine, classifier, sets[set] as ImageDataset, {
      ...options,
      ...(indices === undefined ? {} : { indices }),
    });
}

const rowsPerRun = 1000;

/**
 * Runs the trained part over stored features.
 *
 * @param trained  new values of trained parameters; those of the untouched model by default
 */
export function predictionsFromFeatures(
  engine: Engine,
  plan: TrainingPlan,
  sets: RunSets,
  stores: FeatureStores,
  trained: Readonly<Record<string, Tensor>> = {},
): Predictions {
  const { upgraded, logits } = plan.classifier;
  const initializers = new Map([...upgraded.graph.initializers, ...Object.entries(trained)]);
  const model = suffixModel({ ...upgraded, graph: { ...upgraded.graph, initializers } }, plan.rows, logits);
  return async (set, indices) => {
    const [dataset, store] = [sets[set] as ImageDataset, stores[set] as FeatureStore];
    const chosen = indices ?? Int32Array.from({ length: dataset.length }, (_, index) => index);
    const result = new Float32Array(chosen.length * plan.classes);
    const session = await engine.load(sessionBytes(model));
    try {
      for (let from = 0; from < chosen.length; from += rowsPerRun) {
        const rows = chosen.subarray(from, from + rowsPerRun);
        const packed = new Float32Array(rows.length * store.width);
        await store.read(rows, packed, 0);
        const features = Object.entries(unpackRows(packed, rows.length, plan)).map(([name, data]) => {
          const dims = [rows.length, ...(plan.rows.get(name) ?? [])];
          return [name, { dtype: "float32", dims, data }] as const;
        });
        const outputs = await session.run(Object.fromEntries(features));
        result.set(outputs[logits]?.data as Float32Array, from * plan.classes);
      }
    } finally {
      await session.release();
    }
    refuseNaN(result, chosen.length, (row) => dataset.describe(chosen[row] as number));
    return result;
  };
}
