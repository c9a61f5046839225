import type { Graph, Model, Node, ValueInfo } from "../onnx/types.js";
import { origin } from "../onnx/types.js";

/** A graph to put on top of a model. */
export interface Addition {
  /** Of the model's operator set. */
  readonly graph: Graph;
  /** Tensor of the model for every input of the graph. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Name in the result for every output of the graph; each becomes an output of the model. */
  readonly outputs: Readonly<Record<string, string>>;
  /** In front of every other name, so that none is taken twice. */
  readonly prefix: string;
}

/** A model with further graphs on top, whose outputs follow its own. */
export function append(model: Model, additions: readonly Addition[]): Model {
  const initializers = new Map(model.graph.initializers);
  const nodes: Node[] = [...model.graph.nodes];
  const outputs: ValueInfo[] = [...model.graph.outputs];
  for (const { graph, inputs, outputs: named, prefix } of additions) {
    const rename = (name: string) => (name === "" ? "" : (inputs[name] ?? named[name] ?? `${prefix}${name}`));
    for (const [name, tensor] of graph.initializers) initializers.set(rename(name), tensor);
    for (const node of graph.nodes) {
      nodes.push({
        ...node,
        name: `${prefix}${node.name}`,
        inputs: node.inputs.map(rename),
        outputs: node.outputs.map(rename),
      });
    }
    for (const output of graph.outputs) outputs.push({ ...output, name: rename(output.name) });
  }
  // Without `origin` the writer takes nothing from the file that is not here.
  const { [origin]: _model, ...plainModel } = model;
  const { [origin]: _graph, ...plainGraph } = model.graph;
  return { ...plainModel, graph: { ...plainGraph, nodes, initializers, outputs } };
}
