/** Which tensor of a classifier the features are the means over the positions of. */
import type { Graph, Node } from "../onnx/types.js";
import { AttributeReader, type Expr } from "../ops/index.js";

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
 * @param features   tensor [N, D], or [N, D, 1, 1]
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
  const node = sourceOf(graph, features);
  const tensor = node?.inputs[0];
  if (node === undefined || tensor === undefined) return undefined;
  const [, channels, height, width, ...rest] = values.get(tensor)?.dims ?? [];
  // As many features as channels: a Flatten has not put several positions into one row.
  if (channels !== dimension || typeof height !== "number" || typeof width !== "number" || rest.length > 0) {
    return undefined;
  }
  const size = [height, width] as const;
  return averagesAll(node, size, values) ? { tensor, size } : undefined;
}

function averagesAll(node: Node, size: readonly number[], values: ReadonlyMap<string, Expr>): boolean {
  const attributes = new AttributeReader(node.attributes, node.name);
  switch (node.op) {
    case "GlobalAveragePool":
      return true;
    case "ReduceMean": {
      const axes = values.get(node.inputs[1] ?? "")?.constant?.data as BigInt64Array | undefined;
      const spatial = Array.from(axes ?? [], (axis) => (Number(axis) + 4) % 4).sort();
      return spatial.join() === "2,3";
    }
    case "AveragePool": {
      const padded = attributes.ints("pads", []).some((pad) => pad !== 0);
      return attributes.ints("kernel_shape", []).join() === size.join() && !padded;
    }
    default:
      return false;
  }
}
