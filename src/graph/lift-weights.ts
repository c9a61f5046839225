import type { Model, Node, Tensor } from "../onnx/types.js";
import { elementwiseWeights, layerWeights, rearranges } from "./parameters.js";

/**
 * The model with the weights that its exporter has put into Constant nodes, as Paddle's does, among the initializers, where training and scores
 * look for weights. Constants that are added, multiplied and the like are weights in a model without a single layer whose weights are
 * initializers: in others such constants are what their makers meant to stay.
 */
export function withLiftedWeights(model: Model): Model {
  const { graph } = model;
  const constants = new Map<string, Tensor>();
  for (const node of graph.nodes) {
    const tensor = constantOf(node);
    if (tensor !== undefined) constants.set(node.outputs[0] as string, tensor);
  }
  if (constants.size === 0) return model;
  const ofLayers = feeding(graph.nodes, layerWeights);
  const keepsAll = [...ofLayers].some((name) => graph.initializers.has(name));
  const wanted = keepsAll ? ofLayers : new Set([...ofLayers, ...feeding(graph.nodes, elementwiseWeights)]);
  const lifted = [...constants].filter(([name]) => wanted.has(name));
  if (lifted.length === 0) return model;
  const names = new Set(lifted.map(([name]) => name));
  const nodes = graph.nodes.filter((node) => constantOf(node) === undefined || !names.has(node.outputs[0] as string));
  return { ...model, graph: { ...graph, nodes, initializers: new Map([...graph.initializers, ...lifted]) } };
}

/** A float tensor that a node says in full. */
function constantOf({ op, domain, attributes }: Node): Tensor | undefined {
  const { value } = attributes;
  if (op !== "Constant" || domain !== "" || value?.kind !== "tensor") return undefined;
  return value.value.dtype.startsWith("float") ? value.value : undefined;
}

/** Tensors that are weights of a node, or rearranged to be. */
function feeding(nodes: readonly Node[], slots: (op: string) => readonly number[]): Set<string> {
  const found = new Set<string>();
  for (const node of nodes.toReversed()) {
    for (const slot of slots(node.op)) found.add(node.inputs[slot] ?? "");
    if (rearranges(node.op) && node.outputs.some((name) => found.has(name))) found.add(node.inputs[0] ?? "");
  }
  return found;
}
