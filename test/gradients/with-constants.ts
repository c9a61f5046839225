import type { Model, Node, Tensor } from "../../src/onnx/types.js";

/** A network with some of its initializers in nodes, as Paddle's exporter writes all of them. */
export function withConstants(model: Model, moves: (name: string, tensor: Tensor) => boolean): Model {
  const { graph } = model;
  const moved = [...graph.initializers].filter(([name, tensor]) => moves(name, tensor));
  const nodes = moved.map(
    ([name, value]): Node => ({
      ...{ name: `constant of ${name}`, op: "Constant", domain: "", inputs: [], outputs: [name] },
      attributes: { value: { kind: "tensor", value } },
    }),
  );
  const initializers = new Map([...graph.initializers].filter(([name, tensor]) => !moves(name, tensor)));
  return { ...model, graph: { ...graph, nodes: [...nodes, ...graph.nodes], initializers } };
}
