/**
 * A convolution followed by BatchNormalization with running statistics is one convolution: with r = 1/√(variance + epsilon),
 *
 *   scale·r·(w ⋆ x + b - mean) + B  =  (scale·r·w) ⋆ x  +  scale·r·(b - mean) + B
 *
 * What is normalised are the weights, a small tensor, instead of every activation; w, scale and B still get their gradients,
 * through the product. A training step saves one pass over the activations forward and three backward.
 */
import type { Attribute, Graph, Node } from "../onnx/types.js";
import { add, type Expr, first, mul, reciprocal, reshape, sqrt, staticDims, sub } from "../ops/index.js";

/** BatchNormalization nodes that can be merged with the convolution before them, which nothing else must read. */
export function mergeableBatchNorms(graph: Graph, kept: ReadonlySet<string>): Map<Node, Node> {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = new Map<string, number>();
  for (const { inputs } of graph.nodes) for (const name of inputs) readers.set(name, (readers.get(name) ?? 0) + 1);
  for (const { name } of graph.outputs) readers.set(name, Number.POSITIVE_INFINITY);
  const found = new Map<Node, Node>();
  for (const node of graph.nodes) {
    const between = node.inputs[0] ?? "";
    const before = producers.get(between);
    if (node.op !== "BatchNormalization" || before?.op !== "Conv" || before.domain !== "") continue;
    if (isTraining(node) || kept.has(between) || readers.get(between) !== 1) continue;
    found.set(node, before);
  }
  return found;
}

/** y of the merged pair, from the operands of both nodes. */
export function mergedConvolution(
  conv: Node,
  convInputs: readonly (Expr | undefined)[],
  norm: Node,
  normInputs: readonly (Expr | undefined)[],
): Expr {
  const [x, w, b] = convInputs as [Expr, Expr, Expr | undefined];
  const [, scale, shift, average, variance] = normInputs as [Expr, Expr, Expr, Expr, Expr];
  const epsilon = norm.attributes.epsilon?.kind === "float" ? norm.attributes.epsilon.value : 1e-5;
  const slope = mul(scale, reciprocal(sqrt(add(variance, epsilon))));
  const dims = staticDims(w, `weight of ${conv.name}`);
  const weight = mul(w, reshape(slope, [dims[0] as number, ...dims.slice(1).map(() => 1)]));
  const bias = add(shift, mul(slope, b === undefined ? mul(average, -1) : sub(b, average)));
  return first(x.builder.op("Conv", [x, weight, bias], conv.attributes, { name: conv.name }));
}

function isTraining({ attributes }: Node): boolean {
  const mode: Attribute | undefined = attributes.training_mode;
  return mode?.kind === "int" && Number(mode.value) === 1;
}
