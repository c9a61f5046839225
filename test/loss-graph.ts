/** A loss with the gradients of all that it is differentiated by, as a graph to be run. */
import { GraphBuilder } from "../src/graph/builder.js";
import { gradients } from "../src/graph/differentiate.js";
import { crossEntropy, type LossDefinition } from "../src/losses/index.js";
import type { Model, Tensor } from "../src/onnx/types.js";
import { add, type Expr, mul, tensorOf } from "../src/ops/index.js";

/** What {@link lossGraph} differentiates by, where the loss uses it; float32 matrices. */
export const differentiatedInputs = [
  "logits",
  "outlierLogits",
  "projections",
  "outlierProjections",
  "features",
  "outlierFeatures",
  "prototypes",
  "pastedLogits",
] as const;

export type LossFeeds = Readonly<
  Record<"logits" | "outlierLogits" | "labels", Tensor> &
    Partial<Record<(typeof differentiatedInputs)[number] | "outlierLabels" | "pastedLabels", Tensor>>
>;

export interface LossSetting {
  readonly definition: LossDefinition<object>;
  readonly options: object;
  readonly weight: number;
  readonly prior: readonly number[];
  readonly classCounts: readonly number[];
}

/** Outputs `fit` (cross entropy), `regularizer`, `total`, and the gradient `d NAME` of the total by each differentiated input. */
export function lossGraph(setting: LossSetting, feeds: LossFeeds): Model {
  const graph = new GraphBuilder();
  const inputs = new Map(
    Object.entries(feeds).map(([name, { dtype, dims }]) => [name, graph.input(name, dtype, dims)] as const),
  );
  const at = (name: keyof LossFeeds) => inputs.get(name) as Expr;
  const pair = (id: keyof LossFeeds, outliers: keyof LossFeeds) => ({ id: at(id), outliers: at(outliers) });
  const fit = crossEntropy(at("logits"), at("labels"));
  const regularizer = setting.definition.expression(
    {
      logits: at("logits"),
      labels: at("labels"),
      outlierLogits: at("outlierLogits"),
      prior: graph.constant(tensorOf(setting.prior)),
      classCounts: setting.classCounts,
      ...(feeds.outlierLabels && { outlierLabels: at("outlierLabels") }),
      ...(feeds.projections && { projections: pair("projections", "outlierProjections") }),
      ...(feeds.features && { features: pair("features", "outlierFeatures") }),
      ...(feeds.prototypes && { prototypes: at("prototypes") }),
      ...(feeds.pastedLogits && { pasted: { logits: at("pastedLogits"), labels: at("pastedLabels") } }),
    },
    setting.options,
  );
  const total = add(fit, mul(regularizer, setting.weight));
  const names = differentiatedInputs.filter((name) => inputs.has(name));
  const slopes = gradients(graph, total, names.map(at));
  return graph.model({
    fit,
    regularizer,
    total,
    ...Object.fromEntries(names.map((name, index) => [`d ${name}`, slopes[index] as Expr])),
  });
}
