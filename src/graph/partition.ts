/** Splits a model at the freeze boundary: what never changes while training, and what does. */
import { GraphError } from "../errors.js";
import { type Graph, type Model, type Node, origin } from "../onnx/types.js";
import { type ImportedGraph, neededNodes } from "./import.js";

export interface Partition {
  /** Tensors that cross from the frozen part to the trained one, one row per image. The image itself when nothing is frozen. */
  readonly boundary: readonly string[];
  /** Nodes of the trained part. */
  readonly trained: ReadonlySet<Node>;
  /** The image input, and the shape of one image. */
  readonly image: { readonly name: string; readonly row: readonly number[] };
  /** Whether the trained part asks for the shape of the image, or of something frozen: it cannot be run from the boundary alone. */
  readonly asksForShapes: boolean;
}

/**
 * @param imported  what leads to the logits, and to other outputs that a loss looks at, imported once with concrete shapes and the trained parameters
 *                  as inputs: nodes beside it are in neither part, and what folds to a constant crosses no boundary
 * @param trained   names of the initializers that training moves
 * @param output    name of the tensor the loss is computed from
 */
export function partition(
  graph: Graph,
  imported: ImportedGraph,
  trained: ReadonlySet<string>,
  output: string,
): Partition {
  const isConstant = (name: string) => imported.values.get(name)?.constant !== undefined;
  const moving = new Set(trained);
  const fromImage = new Set(graph.inputs.map((input) => input.name));
  const trainedNodes = new Set<Node>();
  for (const node of graph.nodes) {
    if (node.inputs.some((name) => fromImage.has(name))) for (const name of node.outputs) fromImage.add(name);
    if (!node.outputs.some((name) => imported.values.has(name))) continue;
    if (!node.inputs.some((name) => moving.has(name)) || node.outputs.every(isConstant)) continue;
    trainedNodes.add(node);
    for (const name of node.outputs) moving.add(name);
  }
  if (!moving.has(output)) {
    throw new GraphError({
      where: `output "${output}"`,
      problem: "it does not depend on any of the trained parameters",
      hint: "choose parameters above it with --train",
    });
  }
  const boundary = new Set<string>();
  for (const node of trainedNodes) {
    for (const name of node.inputs) {
      if (fromImage.has(name) && !moving.has(name) && !isConstant(name)) boundary.add(name);
    }
  }
  const name = graph.inputs[0]?.name ?? "";
  const image = { name, row: (imported.values.get(name)?.dims ?? []).slice(1) as number[] };
  const bound = new Map([...boundary].map((name) => [name, undefined]));
  const above = neededNodes(graph, { outputs: [output], bound });
  const asksForShapes = !boundary.has(name) && above.some(({ inputs }) => inputs.includes(name));
  return { boundary: [...boundary], trained: trainedNodes, image, asksForShapes };
}

/** The frozen part as a model of its own for any batch size, whose outputs are the boundary tensors. */
export function prefixModel(model: Model, imported: ImportedGraph, boundary: readonly string[]): Model {
  const inputs = model.graph.inputs.map((x) => (x.dims === undefined ? x : { ...x, dims: ["N", ...x.dims.slice(1)] }));
  const outputs = boundary.map((name) => {
    const value = imported.values.get(name);
    if (value === undefined) throw new GraphError({ problem: `nothing computes the tensor "${name}"` });
    return { name, dtype: value.dtype, dims: ["N", ...value.dims.slice(1)] };
  });
  return part(model, { inputs, nodes: neededNodes(model.graph, { outputs: boundary, bound: new Map() }), outputs });
}

/** The trained part as a model of its own for any batch size, from the boundary tensors to `output`. */
export function suffixModel(model: Model, rows: ReadonlyMap<string, readonly number[]>, output: string): Model {
  const inputs = [...rows].map(([name, dims]) => ({ name, dtype: "float32" as const, dims: ["N", ...dims] }));
  const nodes = neededNodes(model.graph, { outputs: [output], bound: rows });
  return part(model, { inputs, nodes, outputs: [{ name: output, dtype: "float32", dims: ["N", "K"] }] });
}

/** A model of some of another's nodes, with the initializers they read. */
function part(model: Model, pieces: Pick<Graph, "inputs" | "nodes" | "outputs">): Model {
  const read = new Set(pieces.nodes.flatMap((node) => node.inputs));
  const initializers = new Map([...model.graph.initializers].filter(([name]) => read.has(name)));
  // Without `origin` the writer takes nothing from the file that this part no longer has.
  const { [origin]: _model, ...plainModel } = model;
  const { [origin]: _graph, ...plainGraph } = model.graph;
  return { ...plainModel, graph: { ...plainGraph, ...pieces, initializers } };
}
