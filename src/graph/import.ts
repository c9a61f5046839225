/**
 * Rebuilds a model's graph inside a builder, with concrete shapes: shape arithmetic folds away, parameters may be replaced
 * by inputs, and BatchNormalization may be switched to batch statistics.
 */
import { GraphError } from "../errors.js";
import type { Graph, Node } from "../onnx/types.js";
import { add, type Expr, identity, mul, trainingBatchNorm } from "../ops/index.js";
import type { GraphBuilder } from "./builder.js";
import { mergeableBatchNorms, mergedConvolution } from "./merge-batch-norm.js";

export interface ImportOptions {
  /** Values for tensors of the graph by name: its inputs, trained parameters, or features computed elsewhere. */
  readonly bound: ReadonlyMap<string, Expr>;
  /** Names of the tensors wanted. */
  readonly outputs: readonly string[];
  /** BatchNormalization nodes that normalise with the statistics of the batch, as in training. */
  readonly batchStatistics?: (node: Node) => boolean;
  /**
   * Merges BatchNormalization nodes with running statistics into the convolution before them, whose own output is then not
   * among the values. Default false.
   */
  readonly mergeBatchNorm?: boolean;
  /** What a Dropout node gives in place of its input; default: the input itself. */
  readonly dropout?: (node: Node, x: Expr) => Expr;
}

/** New running statistics of one BatchNormalization node, by the names of the initializers they replace. */
export interface RunningStatistics {
  readonly node: string;
  readonly updates: ReadonlyMap<string, Expr>;
}

export interface ImportedGraph {
  /** Expression of every tensor that was needed, by its name in the model. */
  readonly values: ReadonlyMap<string, Expr>;
  readonly statistics: readonly RunningStatistics[];
}

/** Imports what the wanted tensors need and nothing else; a bound tensor ends the search. */
export function importGraph(builder: GraphBuilder, graph: Graph, options: ImportOptions): ImportedGraph {
  const values = new Map(options.bound);
  const statistics: RunningStatistics[] = [];
  const lookUp = (name: string, where: string): Expr => {
    const known = values.get(name);
    if (known !== undefined) return known;
    const initializer = graph.initializers.get(name);
    if (initializer === undefined) throw new GraphError({ where, problem: `nothing computes the tensor "${name}"` });
    const constant = builder.constant(initializer);
    values.set(name, constant);
    return constant;
  };
  const merged = options.mergeBatchNorm
    ? mergeableBatchNorms(graph, new Set([...options.bound.keys(), ...options.outputs]))
    : new Map<Node, Node>();
  for (const node of merged.keys()) if (options.batchStatistics?.(node)) merged.delete(node);
  const absorbed = new Set(merged.values());
  for (const node of neededNodes(graph, options)) {
    if (absorbed.has(node)) continue;
    const where = `node "${node.name}" (${node.op})`;
    const operands = (of: Node) => of.inputs.map((name) => (name === "" ? undefined : lookUp(name, where)));
    const conv = merged.get(node);
    if (conv !== undefined) {
      const [, ...normInputs] = node.inputs.map((name, index) => (index === 0 ? undefined : lookUp(name, where)));
      values.set(node.outputs[0] as string, mergedConvolution(conv, operands(conv), node, [undefined, ...normInputs]));
      continue;
    }
    const inputs = operands(node);
    if (node.op === "BatchNormalization" && options.batchStatistics?.(node)) {
      const { y, updates } = batchNormInTraining(node, inputs as Expr[], values);
      values.set(node.outputs[0] as string, y);
      statistics.push({ node: node.name, updates });
      continue;
    }
    if (node.op === "Dropout" && options.dropout !== undefined) {
      values.set(node.outputs[0] as string, options.dropout(node, inputs[0] as Expr));
      continue;
    }
    const outputs = builder.op(node.op, inputs, node.attributes, {
      name: node.name,
      domain: node.domain,
      outputs: node.outputs.length,
    });
    node.outputs.forEach((name, index) => {
      const value = outputs[index];
      if (name !== "" && value !== undefined && !options.bound.has(name)) values.set(name, value);
    });
  }
  for (const name of options.outputs) lookUp(name, "graph output");
  return { values, statistics };
}

/**
 * Nodes on a path to the wanted tensors, in the graph's (topological) order.
 *
 * @param bound  tensors that are given, at which the search ends
 */
export function neededNodes(
  graph: Graph,
  { outputs, bound }: { readonly outputs: readonly string[]; readonly bound: ReadonlyMap<string, unknown> },
): Node[] {
  const wanted = new Set(outputs.filter((name) => !bound.has(name)));
  const needed: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    needed.push(node);
    for (const name of node.inputs) if (name !== "" && !bound.has(name)) wanted.add(name);
  }
  return needed.reverse();
}

/**
 * A BatchNormalization node as PyTorch trains it: normalise with the biased variance of the batch, and move the running
 * statistics towards the batch's mean and *unbiased* variance. ONNX's `momentum` is the share that stays, one minus PyTorch's.
 */
function batchNormInTraining(node: Node, inputs: readonly Expr[], values: ReadonlyMap<string, Expr>) {
  const [x, scale, bias, runningMean, runningVariance] = inputs as [Expr, Expr, Expr, Expr, Expr];
  const number = (name: string, fallback: number) => {
    const attribute = node.attributes[name];
    return attribute?.kind === "float" ? attribute.value : fallback;
  };
  const keep = number("momentum", 0.9);
  const { y, mean, variance } = trainingBatchNorm(x, scale, bias, number("epsilon", 1e-5));
  const count = (x.dims as number[]).reduce((product, size, axis) => (axis === 1 ? product : product * size), 1);
  const unbiased = mul(variance, count / Math.max(1, count - 1));
  // A single value has no variance: the last batch of an epoch may be one image, and PyTorch refuses it.
  const moved = (old: Expr, fresh: Expr) => (count === 1 ? identity(old) : add(mul(old, keep), mul(fresh, 1 - keep)));
  const [meanName, varianceName] = [node.inputs[3] as string, node.inputs[4] as string];
  for (const name of [meanName, varianceName]) {
    if (!values.has(name))
      throw new GraphError({ where: node.name, problem: `the running statistics "${name}" are not bound` });
  }
  return {
    y,
    updates: new Map([
      [meanName, moved(runningMean, mean)],
      [varianceName, moved(runningVariance, unbiased)],
    ]),
  };
}
