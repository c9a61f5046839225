/** The trained part of a classifier on a joined batch: in-distribution images, then pasted ones, then outliers. */
import type { GraphBuilder } from "../graph/builder.js";
import { type ImportedGraph, importGraph } from "../graph/import.js";
import type { Partition } from "../graph/partition.js";
import type { Model, Tensor } from "../onnx/types.js";
import { concat, type Expr, slice } from "../ops/index.js";
import { dropoutFrom, droppingNodes } from "./dropout.js";
import { type ExtraTensors, extraTensors, stepInputs } from "./step-inputs.js";
import type { BatchSizes, NetworkStepOptions, StepOptions } from "./step-options.js";

/** Rows of a joined batch. */
export const rowsOf = ({ batch, pastedBatch = 0, outlierBatch }: BatchSizes): number =>
  batch + pastedBatch + outlierBatch;

/** What the losses look at, split into the rows of either set. */
export interface NetworkOutputs {
  /** Of the K classes. */
  readonly logits: Split;
  /** Of the classes and, after them, the abstention classes, where the loss has such. */
  readonly allLogits: Split;
  readonly projections: Split | undefined;
  readonly features: Split | undefined;
  readonly statistics: ImportedGraph["statistics"];
}

/** Rows of the in-distribution images, and of the outliers where there are any. */
export interface Split {
  readonly id: Expr;
  readonly pasted: Expr | undefined;
  readonly outliers: Expr | undefined;
}

/** The trained part as it is while training: with the statistics of the batch and dropout, where the options say so. */
export function importTrained(
  graph: GraphBuilder,
  { model, partition, batchNorm, dropout }: NetworkStepOptions,
  rows: number,
  bound: ReadonlyMap<string, Expr>,
  outputs: readonly string[],
): ImportedGraph {
  const dropping = dropout ? droppingNodes(model.graph, partition.trained) : new Map<never, number>();
  const numbers =
    dropping.size === 0 ? undefined : graph.input(stepInputs.dropout, "float32", [rows, dropping.size, 2]);
  return importGraph(graph, model.graph, {
    bound,
    outputs,
    batchStatistics: (node) => batchNorm === "batch" && partition.trained.has(node),
    mergeBatchNorm: true,
    ...(numbers === undefined ? {} : { dropout: dropoutFrom(numbers, dropping) }),
  });
}

/** The trained part of the network on the joined batch. */
export function runNetwork<Options extends object>(
  graph: GraphBuilder,
  options: StepOptions<Options>,
  bound: ReadonlyMap<string, Expr>,
): NetworkOutputs {
  const { model, logits, batch, pastedBatch = 0, outlierBatch } = options;
  const rows = rowsOf(options);
  const extras: ExtraTensors = outlierBatch === 0 ? {} : extraTensors(model, options.loss, options.lossOptions);
  const wanted = [logits, ...Object.values(extras)];
  const { values, statistics } = importTrained(graph, options, rows, bound, wanted);
  const part = (x: Expr, from: number, to: number) => slice(x, { axes: [0], starts: [from], ends: [to] });
  const [pasteStart, outlierStart] = [batch, batch + pastedBatch];
  const split = (x: Expr): Split => ({
    id: rows === batch ? x : part(x, 0, batch),
    pasted: pastedBatch === 0 ? undefined : part(x, pasteStart, outlierStart),
    outliers: outlierBatch === 0 ? undefined : part(x, outlierStart, rows),
  });
  const named = (name: string) => values.get(name) as Expr;
  const { abstention, projection, features } = extras;
  const ownLogits = named(logits);
  return {
    logits: split(ownLogits),
    allLogits: split(abstention === undefined ? ownLogits : concat([ownLogits, named(abstention)], 1)),
    projections: projection === undefined ? undefined : split(named(projection)),
    features: features === undefined ? undefined : split(named(features)),
    statistics,
  };
}

/** Running means and variances of the trained part, by initializer name. */
export function runningStatistics(model: Model, partition: Partition): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const node of partition.trained) {
    if (node.op !== "BatchNormalization") continue;
    for (const name of node.inputs.slice(3, 5)) {
      const tensor = model.graph.initializers.get(name);
      if (tensor !== undefined) found.set(name, tensor);
    }
  }
  return found;
}
