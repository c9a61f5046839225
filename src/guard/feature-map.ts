/** Which tensor of a classifier the features are the means over the positions of. */
import { averagesAll } from "../graph/average-all.js";
import type { Graph, Node } from "../onnx/types.js";
import type { Expr } from "../ops/index.js";

export interface FeatureMap {
  /** Tensor [N, D, H, W]. */
  readonly tensor: string;
  /** H and W for the images it was looked for with. */
  readonly size: readonly [number, number];
}

/** Operators between the average and the features that only change the shape. */
const reshaping: ReadonlySet<string> = new Set(["Identity", "Dropout", "Flatten", "Reshape", "Squeeze", "Unsqueeze"]);

/** The node that computes a tensor, seen through those that only reshape it. */
export function sourceOf(graph: Graph, tensor: string): Node | undefined {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  let node = producers.get(tensor);
  while (node !== undefined && reshaping.has(node.op)) node = producers.get(node.inputs[0] as string);
  return node;
}

/**
 * @param features   tensor [N, D], or [N, D, H, W] of which the means are taken
 * @param dimension  D
 * @param values     every tensor of the graph for some size of images
 * @returns undefined when something else than an average over all positions gives the features
 */
export function findFeatureMap(
  graph: Graph,
  features: string,
  dimension: number,
  values: ReadonlyMap<string, Expr>,
): FeatureMap | undefined {
  const own = values.get(features)?.dims.slice(2);
  if (own?.length === 2 && own.some((length) => length !== 1)) {
    // A convolution takes them, and what it gives is averaged: the tensor is the map itself.
    return { tensor: features, size: own as [number, number] };
  }
  const node = sourceOf(graph, features);
  const tensor = node?.inputs[0];
  if (node === undefined || tensor === undefined) return undefined;
  const [, channels, height, width, ...rest] = values.get(tensor)?.dims ?? [];
  // As many features as channels: a Flatten has not put several positions into one row.
  if (channels !== dimension || typeof height !== "number" || typeof width !== "number" || rest.length > 0) {
    return undefined;
  }
  const size = [height, width] as const;
  const constant = (name: string) => values.get(name)?.constant?.data as BigInt64Array | undefined;
  return averagesAll(node, size, constant) ? { tensor, size } : undefined;
}
