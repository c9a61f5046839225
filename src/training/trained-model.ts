import { formatNormalization, type Normalization, type ResizeMode } from "../data/index.js";
import type { Model, Tensor } from "../onnx/types.js";
import { version } from "../version.js";
import { type Classifier, classNamesKey, normalizationKey, resizeKey } from "./classifier.js";
import type { Preparation } from "./preparation.js";
import type { ResolvedTrainingOptions } from "./training-options.js";

const priorKey = "offmap.prior";

/** Where a trained model comes from. */
export interface Origin {
  readonly classifier: Pick<Classifier, "model">;
  readonly normalization: Normalization | undefined;
  readonly id: { readonly classNames?: readonly string[]; readonly resize?: ResizeMode };
}

/**
 * The model of a run with new weights: same inputs, outputs and operator set. Its metadata say how it was made: `offmap.version`,
 * `offmap.tuned` or `offmap.trained` (settings, JSON), `offmap.prior` (JSON), `offmap.normalization`, `offmap.resize`, and the names of the classes.
 */
export function trainedModel(
  trained: Readonly<Record<string, Tensor>>,
  options: Pick<ResolvedTrainingOptions, "out" | "engine" | "resume">,
  { classifier: { model }, normalization, id }: Origin,
  prepared: Pick<Preparation, "lossOptions" | "prior">,
  how: "tuned" | "trained",
): Model {
  const initializers = new Map(model.graph.initializers);
  for (const [name, tensor] of Object.entries(trained)) initializers.set(name, tensor);
  const metadata = new Map(model.metadata);
  const { out: _out, engine: _engine, resume: _resume, ...settings } = options;
  metadata.set("offmap.version", version);
  // `balanceBy` says what the loss calls normalization, which here is that of the pixels.
  const { normalization: _balance, ...chosen } = prepared.lossOptions as { normalization?: unknown };
  metadata.set(`offmap.${how}`, JSON.stringify({ ...settings, ...chosen }));
  // That of an earlier training says nothing of this one.
  if (prepared.prior === null) metadata.delete(priorKey);
  else metadata.set(priorKey, JSON.stringify(prepared.prior.prior));
  if (normalization !== undefined) metadata.set(normalizationKey, formatNormalization(normalization));
  if (id.resize === "crop") metadata.set(resizeKey, id.resize);
  if (id.resize === "stretch") metadata.delete(resizeKey);
  if (id.classNames !== undefined) metadata.set(classNamesKey, JSON.stringify(id.classNames));
  return { ...model, graph: { ...model.graph, initializers }, metadata };
}
