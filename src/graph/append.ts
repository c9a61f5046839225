import { type Attribute, type Graph, type Model, type Node, origin, type ValueInfo } from "../onnx/types.js";

/** A graph to put on top of a model. */
export interface Addition {
  /** Of the model's operator set. */
  readonly graph: Graph;
  /** Tensor of the model for every input of the graph. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Name in the result for every output of the graph; each becomes an output of the model. */
  readonly outputs: Readonly<Record<string, string>>;
  /** In front of every other name; numbered where the model has names that begin so, see {@link freeStart}. */
  readonly prefix: string;
}

/** A beginning of names that no tensor or node of a graph has: as it is wanted, else with a number, `model2/` or `model2-2/`. */
export function freeStart({ inputs, nodes, initializers }: Graph, wanted: string): string {
  const names = [
    ...inputs.map(({ name }) => name),
    ...nodes.flatMap(({ name, outputs }) => [name, ...outputs]),
    ...initializers.keys(),
  ];
  for (let number = 1; ; number++) {
    const start = number === 1 ? wanted : wanted.replace(/(?=\/?$)/, `-${number}`);
    if (!names.some((name) => name.startsWith(start))) return start;
  }
}

/** A model with further graphs on top, whose outputs follow its own. */
export function append(model: Model, additions: readonly Addition[]): Model {
  const initializers = new Map(model.graph.initializers);
  const nodes: Node[] = [...model.graph.nodes];
  const outputs: ValueInfo[] = [...model.graph.outputs];
  for (const { graph, inputs, outputs: named, prefix: wanted } of additions) {
    const prefix = freeStart({ ...model.graph, nodes, initializers }, wanted);
    const rename = (name: string) => (name === "" ? "" : (inputs[name] ?? named[name] ?? `${prefix}${name}`));
    const renamed = renamedGraph(graph, rename, prefix);
    for (const [name, tensor] of renamed.initializers) initializers.set(name, tensor);
    nodes.push(...renamed.nodes);
    outputs.push(...renamed.outputs);
  }
  // Without `origin` the writer takes nothing from the file that is not here.
  const { [origin]: _model, ...plainModel } = model;
  const { [origin]: _graph, ...plainGraph } = model.graph;
  return { ...plainModel, graph: { ...plainGraph, nodes, initializers, outputs } };
}

/**
 * A graph whose tensors have other names. Subgraphs are renamed too, as they read tensors of the graph around them.
 *
 * @param prefix  in front of the names of nodes
 */
export function renamedGraph(graph: Graph, rename: (name: string) => string, prefix = ""): Graph {
  const inside = (attribute: Attribute): Attribute =>
    attribute.kind === "graph" ? { ...attribute, value: renamedGraph(attribute.value, rename, prefix) } : attribute;
  const value = (info: ValueInfo) => ({ ...info, name: rename(info.name) });
  return {
    ...graph,
    inputs: graph.inputs.map(value),
    outputs: graph.outputs.map(value),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [rename(name), tensor])),
    nodes: graph.nodes.map((node) => ({
      ...node,
      name: `${prefix}${node.name}`,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
      attributes: Object.fromEntries(Object.entries(node.attributes).map(([name, each]) => [name, inside(each)])),
    })),
  };
}
